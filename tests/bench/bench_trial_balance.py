"""The trial balance of a million postings: from the live balances, and recomputed from the events. Less is better."""

from __future__ import annotations

import statistics
import time
from typing import Final

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.migrate import LEDGER, migrate
from services.audit.reports.moments import NOW, AsOf
from services.audit.reports.trial_balance import TrialBalance, trial_balance
from tests.bench.growing import ROUND_UNITS, fill
from tests.bench.harness import Result
from tests.bench.server import tuned_postgres

POSTINGS: Final = 1_000_000
ROUNDS: Final = 5
LIVE_MS_MAX: Final = 1_000.0
RECOMPUTED_MS_MAX: Final = 5_000.0


async def _timed(name: str, ledger: Ledger, as_of: AsOf, limit_ms: float) -> tuple[Result, TrialBalance]:
    milliseconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        found = await trial_balance(ledger, as_of)
        milliseconds.append((time.perf_counter() - started) * 1_000)
        assert found.balanced
    median = statistics.median(milliseconds)
    more = {"postings": 3 * found.position, "accounts": len(found.lines)}
    return Result(name, median, "ms", limit_ms, median / limit_ms, more), found


async def run() -> list[Result]:
    async with tuned_postgres() as server:
        url = await server.create_database("bench")
        await migrate(url, LEDGER)
        async with open_ledger(url, None) as ledger:
            events = -(-POSTINGS // 3 // ROUND_UNITS) * ROUND_UNITS
            await fill(ledger, events)
            await ledger.pool.execute("vacuum analyze ledger.events")
            live, now = await _timed("trial_balance_live", ledger, NOW, LIVE_MS_MAX)
            past = AsOf(recorded=events)  # its last position, which is asked for as any other would be
            recomputed, again = await _timed("trial_balance_recomputed", ledger, past, RECOMPUTED_MS_MAX)
            assert again.lines == now.lines
            return [live, recomputed]
