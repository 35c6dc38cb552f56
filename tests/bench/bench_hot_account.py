"""Postings that all meet on the same three accounts, beside postings spread over 30,000: in bulk and by many callers.

The limit is the spread side. Its accounts exist beforehand and are met in random order, as sellers sell.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.migrate import LEDGER, migrate
from libs.eventstore.model import Appended, Change, Meta, NewEvent, Unit
from libs.ledger import chart
from libs.ledger.journal import Postings, entry
from tests.bench.harness import Result, Side, in_turns
from tests.bench.server import tuned_postgres

SELLERS: Final = 10_000
BATCH_UNITS: Final = 1_000
BATCHES: Final = 10
CALLERS: Final = 256
UNITS_EACH: Final = 30
GROSS_MINOR: Final = 10_000
META: Final = Meta("/bench", correlation_id="order-1", causation_id="1-1")

Sellers = Callable[[], str]
"""Whom the next unit is about."""


def _hot() -> str:
    return "hot"


def _spread() -> Sellers:
    order = random.Random(3)  # noqa: S311 - the same order in every run
    return lambda: f"seller-{order.randrange(SELLERS)}"


def _postings(seller: str) -> Postings:
    """Three accounts, all of them the seller's."""
    kept = f"seller:{seller}:reserved"
    return entry(
        "USD",
        debit={chart.stripe_connected(seller): GROSS_MINOR},
        credit={chart.seller_available(seller): GROSS_MINOR - 2_000, kept: 2_000},
    )


def _unit(seller: str) -> Unit:
    data = f'{{"order_id":"order-1","seller":"{seller}","currency":"USD","gross_minor":{GROSS_MINOR}}}'
    event = NewEvent("AllocationReleased", data, datetime.now(UTC), _postings(seller))
    return Unit([Change(f"escrow-{uuid4()}", 0, [event])], META)


async def _append(ledger: Ledger, batches: Sequence[Sequence[Unit]]) -> int:
    for batch in batches:
        outcomes = await ledger.store.append(batch)
        assert all(isinstance(outcome, Appended) for outcome in outcomes)
    return sum(map(len, batches))


async def _call(ledger: Ledger, callers: Sequence[Sequence[Unit]]) -> int:
    async def caller(units: Sequence[Unit]) -> None:
        for unit in units:
            assert isinstance(await ledger.writer.append(unit), Appended)

    await asyncio.gather(*map(caller, callers))
    return sum(map(len, callers))


def _units(sellers: Sellers, groups: int, size: int) -> Callable[[], list[list[Unit]]]:
    return lambda: [[_unit(sellers()) for _ in range(size)] for _ in range(groups)]


async def _bulk(ledger: Ledger) -> Result:
    def side(sellers: Sellers) -> Side[list[list[Unit]]]:
        return Side(_units(sellers, BATCHES, BATCH_UNITS), lambda batches: _append(ledger, batches))

    return await in_turns("hot_account_bulk", "entries/s", side(_hot), side(_spread()), batch=BATCH_UNITS)


async def _group_commit(ledger: Ledger) -> Result:
    def side(sellers: Sellers) -> Side[list[list[Unit]]]:
        return Side(_units(sellers, CALLERS, UNITS_EACH), lambda callers: _call(ledger, callers))

    return await in_turns("hot_account_group_commit", "entries/s", side(_hot), side(_spread()), callers=CALLERS)


async def _assert_balanced(ledger: Ledger) -> None:
    """Every event moved the same amount, so that the accounts tell how many there were."""
    head = await ledger.feed.head()
    balances = await ledger.store.balances()
    assert len(balances) == 3 * (SELLERS + 1)
    assert sum(amount for amount in balances.values() if amount > 0) == head * GROSS_MINOR
    assert sum(balances.values()) == 0


async def run() -> list[Result]:
    async with tuned_postgres() as server:
        url = await server.create_database("bench")
        await migrate(url, LEDGER)
        async with open_ledger(url, None) as ledger:
            sellers = [f"seller-{number}" for number in range(SELLERS)]
            slices = range(0, SELLERS, BATCH_UNITS)
            await _append(ledger, [[_unit(name) for name in sellers[n : n + BATCH_UNITS]] for n in slices])
            results = [await _bulk(ledger), await _group_commit(ledger)]
            await _assert_balanced(ledger)
            return results
