from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from libs.devstack.stripe_twin import NO_FEE, Twin, TwinConfig, running_twin
from tests.integration.payment.bank import Bank
from tests.integration.payment.desk import Desk, open_desk


@pytest.fixture
async def twin() -> AsyncIterator[Twin]:
    """A twin of this test's own, whose every answer is checked against the SDK's types."""
    async with running_twin(TwinConfig(card_fee=NO_FEE, seed=7, check_responses=True)) as running:
        yield running


@pytest.fixture
async def desk(database_url: str, twin: Twin) -> AsyncIterator[Desk]:
    async with open_desk(database_url, twin) as opened:
        yield opened


@pytest.fixture
async def paid(desk: Desk) -> Desk:
    """A desk whose one order was paid."""
    await desk.place_and_pay()
    return desk


@pytest.fixture
def bank(paid: Desk) -> Bank:
    return Bank(paid)
