"""One, two and four processes that append to one book at once, each with its own writer and its own callers.

The limit is one process by itself: the book's lock lets one batch in at a time, whoever sends it.
"""

from __future__ import annotations

import statistics
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.migrate import LEDGER, migrate
from libs.ledger import chart
from tests.bench.harness import Result
from tests.bench.server import tuned_postgres

PROCESSES: Final = (1, 2, 4)
CALLERS: Final = 128
SECONDS: Final = 1.0
ROUNDS: Final = 5


@dataclass
class Appender:
    """A process that appends when it is told to (`appender.py`)."""

    process: Process
    landed: int = 0

    def start(self, seconds: float) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n".encode())

    async def ended(self) -> int:
        """How many entries landed since it was started."""
        assert self.process.stdout is not None
        landed = int(await self.process.stdout.readline())
        self.landed += landed
        return landed


@asynccontextmanager
async def _appender(url: str) -> AsyncIterator[Appender]:
    command = (sys.executable, "-m", "tests.bench.appender", url, "1", str(CALLERS))
    process = await create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        yield Appender(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def _rate(appenders: Sequence[Appender], seconds: float = SECONDS) -> float:
    """Entries a second of all of them at once."""
    for appender in appenders:
        appender.start(seconds)
    return sum([await appender.ended() for appender in appenders]) / seconds


async def _measured(ledger: Ledger, appenders: Sequence[Appender]) -> list[Result]:
    await _rate(appenders, 0.5)  # connections and plans
    await ledger.pool.execute("analyze ledger.events")  # a plan made without statistics may scan the book until then
    rounds = [{count: await _rate(appenders[:count]) for count in PROCESSES} for _ in range(ROUNDS)]
    return [
        Result(
            f"processes_{count}",
            statistics.median(rates[count] for rates in rounds),
            "entries/s",
            statistics.median(rates[1] for rates in rounds),
            statistics.median(rates[count] / rates[1] for rates in rounds),
            {"callers_each": CALLERS},
        )
        for count in PROCESSES[1:]
    ]


async def _assert_sound(ledger: Ledger, landed: int) -> None:
    """Positions and blocks are dense, and every entry that was answered is in the balances, once."""
    dense = "select count(*), min(position), max(position) from ledger.events where book = $1"
    [found] = await ledger.pool.fetch(dense, ledger.store.book)
    assert tuple(found) == (landed, 1, landed)
    gaps = """
        select count(*) from (
            select first_position, lag(last_position, 1, 0::bigint) over (order by block) as before
              from ledger.blocks where book = $1) block
         where first_position <> before + 1"""
    assert await ledger.pool.fetchval(gaps, ledger.store.book) == 0
    assert await ledger.store.balance(chart.STRIPE_PLATFORM, "USD") == 10_000 * landed
    assert await ledger.store.balance(chart.REVENUE_COMMISSION, "USD") == -2_000 * landed


async def run() -> list[Result]:
    async with tuned_postgres() as server, AsyncExitStack() as stack:
        url = await server.create_database("bench")
        await migrate(url, LEDGER)
        appenders = [await stack.enter_async_context(_appender(url)) for _ in range(max(PROCESSES))]
        ledger = await stack.enter_async_context(open_ledger(url, None))
        results = await _measured(ledger, appenders)
        await _assert_sound(ledger, sum(appender.landed for appender in appenders))
        return results
