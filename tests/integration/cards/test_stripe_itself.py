"""The rows that need no control of a twin, through Stripe's API alone.

With STRIPE_API_KEY of a test account they run against Stripe itself; without one against the twin, so that these hands
stay able, and the run's summary says that Stripe was not asked.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from time import time
from typing import Final

import pytest

from libs.devstack.stripe_twin.config import NO_FEE, TwinConfig
from libs.devstack.stripe_twin.server import running_twin
from tests.conftest import STRIPE_KEY_VARIABLE, Databases
from tests.integration.cards.looks import dead, in_the_ledger, shown, told
from tests.integration.cards.market import Market
from tests.integration.cards.rows import Case, Row
from tests.integration.cards.stripe_itself import STRIPE, StripeItself, open_market_at_stripe
from tests.integration.cards.test_table import ROWS

LISTED_WITHIN_SECONDS: Final = 3.0
"""How long Stripe may take to list an event after what it tells of."""
HERE: Final = tuple(row for row in ROWS if row.at_stripe_too)
RUN: Final = f"{time():.0f}"
"""The account keeps what earlier runs left there."""


@pytest.fixture(scope="module")
async def market(databases: Databases) -> AsyncIterator[tuple[Market, StripeItself]]:
    url, key = await databases.create(), os.environ.get(STRIPE_KEY_VARIABLE)
    if key:
        async with open_market_at_stripe(url, key, STRIPE) as opened:
            yield opened
    else:
        config = TwinConfig(card_fee=NO_FEE, settlement_seconds=0)
        async with running_twin(config) as twin, open_market_at_stripe(url, "sk_test_market", twin.url) as opened:
            yield opened
    await databases.drop(url)


@pytest.mark.parametrize("row", HERE, ids=[row.name for row in HERE])
async def test_it_comes_to_this_at_stripe_too(row: Row, market: tuple[Market, StripeItself]) -> None:
    at, buyers = market
    case = Case(at, f"run-{RUN}-{HERE.index(row) + 1}")
    for act in row.acts:
        await act(case)
        await _hear(at)
    assert {
        "told": told(case),
        "stripe": await buyers.money(case.order),
        "journal": await in_the_ledger(case),
        "shown": await shown(case, row.shown),
        "dead": dead(case),
    } == row.comes_to()


async def _hear(market: Market) -> None:
    if os.environ.get(STRIPE_KEY_VARIABLE):
        await asyncio.sleep(LISTED_WITHIN_SECONDS)
    await market.job("sweep-events")
