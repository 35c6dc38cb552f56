"""Verifying a book, beside a bare fetch of its rows. `per_core` counts our own processor time, not the server's."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

from libs.eventstore.ledger import Ledger
from services.audit.proofs.book import SQL
from services.audit.proofs.stream import reading
from services.audit.proofs.verify import verify
from tests.bench.book import EVENTS, written_book
from tests.bench.harness import Result, Side, in_turns


async def _fetched(ledger: Ledger) -> int:
    async with reading(ledger, SQL.written, 0, EVENTS) as slices:
        return sum([len(rows) async for rows, _ in slices])


async def run() -> list[Result]:
    rates: list[float] = []

    async def verified(ledger: Ledger) -> int:
        started = time.process_time()
        found = await verify(ledger)
        assert found.ok
        rates.append(found.position / (time.process_time() - started))
        return found.position

    async with written_book() as ledger:
        result = await in_turns("verify", "events/s", Side(lambda: ledger, verified), Side(lambda: ledger, _fetched))
    return [replace(result, more={"per_core": round(statistics.median(rates))})]
