"""Replaying a book to its balances, beside a bare fetch of the same rows in the same slices."""

from __future__ import annotations

from libs.eventstore.ledger import Ledger
from services.audit.proofs.book import SLICE_POSITIONS, SQL, recomputed
from tests.bench.book import EVENTS, written_book
from tests.bench.harness import Result, Side, in_turns


async def _replayed(ledger: Ledger) -> int:
    assert await recomputed(ledger, EVENTS) == await ledger.store.balances()
    return EVENTS


async def _fetched(ledger: Ledger) -> int:
    async with ledger.pool.acquire() as connection:
        postings = await connection.prepare(SQL.postings)
        return sum(
            [
                len(await postings.fetch(ledger.store.book, after, after + SLICE_POSITIONS))
                for after in range(0, EVENTS, SLICE_POSITIONS)
            ]
        )


async def run() -> list[Result]:
    async with written_book() as ledger:
        return [await in_turns("replay", "events/s", Side(lambda: ledger, _replayed), Side(lambda: ledger, _fetched))]
