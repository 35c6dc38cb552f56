"""Replaying a book to its balances, beside a bare fetch of the same rows."""

from __future__ import annotations

from libs.eventstore.ledger import Ledger
from services.audit.proofs.book import SQL, recomputed
from services.audit.proofs.stream import reading
from tests.bench.book import EVENTS, written_book
from tests.bench.harness import Result, Side, in_turns


async def _replayed(ledger: Ledger) -> int:
    assert await recomputed(ledger, EVENTS) == await ledger.store.balances()
    return EVENTS


async def _fetched(ledger: Ledger) -> int:
    async with reading(ledger, SQL.postings, 0, EVENTS) as slices:
        return sum([len(rows) async for rows, _ in slices])


async def run() -> list[Result]:
    async with written_book() as ledger:
        return [await in_turns("replay", "events/s", Side(lambda: ledger, _replayed), Side(lambda: ledger, _fetched))]
