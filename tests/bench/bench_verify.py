"""Verifying a book, beside a bare fetch of the same rows in the same slices."""

from __future__ import annotations

from libs.eventstore.feed import SLICE_POSITIONS_MAX
from libs.eventstore.ledger import Ledger
from libs.eventstore.store import SQL
from services.audit.proofs.verify import verify
from tests.bench.book import EVENTS, written_book
from tests.bench.harness import Result, Side, in_turns


async def _verified(ledger: Ledger) -> int:
    found = await verify(ledger)
    assert found.ok
    return found.position


async def _fetched(ledger: Ledger) -> int:
    async with ledger.pool.acquire() as connection:
        events = await connection.prepare(SQL.read)
        return sum(
            [
                len(await events.fetch(ledger.store.book, after, after + SLICE_POSITIONS_MAX, None))
                for after in range(0, EVENTS, SLICE_POSITIONS_MAX)
            ]
        )


async def run() -> list[Result]:
    async with written_book() as ledger:
        return [await in_turns("verify", "events/s", Side(lambda: ledger, _verified), Side(lambda: ledger, _fetched))]
