"""A twin and the real SDK, for every test its own, and every answer checked against the SDK's types on its way out."""

from collections.abc import AsyncIterator

import pytest
import stripe

from libs.devstack.stripe_twin import Twin, TwinConfig, running_twin
from tests.integration.stripe_twin.desk import Desk
from tests.integration.stripe_twin.hook import Hook, running_hook


@pytest.fixture
async def twin() -> AsyncIterator[Twin]:
    async with running_twin(TwinConfig(start=1_790_000_000, ticking=False, seed=7, check_responses=True)) as twin:
        yield twin


@pytest.fixture
async def api(twin: Twin) -> AsyncIterator[stripe.StripeClient]:
    async with Desk.sdk(twin.url) as client:
        yield client


@pytest.fixture
async def desk(twin: Twin, api: stripe.StripeClient) -> Desk:
    return Desk(twin, api)


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with running_hook() as hook:
        yield hook
