"""A long book beside a short one on the same server: appending, loading streams, reading the log, statements.

Value is the long book's, limit the short one's; at 0.8 and above growth costs nothing worth mentioning. The length is
HOLDFAST_BENCH_EVENTS, a million unless set. Streams and positions are read at random and never twice, so that what a
long book costs is not hidden by what is still in memory.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from libs.devstack.postgres import Postgres
from libs.eventstore.feed import SLICE_POSITIONS_MAX
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Unit
from libs.eventstore.projector import Projector
from libs.ledger import chart
from services.audit.reports.statement import Period, statement
from services.audit.views import entries
from services.migrations import migrate_all
from tests.bench.book import SELLERS
from tests.bench.growing import BATCH_UNITS, append, events_wanted, fill, stream_of, unit_of
from tests.bench.harness import Result, Side, in_turns
from tests.bench.server import tuned_postgres

SHORT: Final = 100_000
LONG: Final = events_wanted(1_000_000)
BATCHES: Final = 4  # whole rounds
LOADS: Final = 300
SLICES: Final = 15
STATEMENTS: Final = 100
ROUNDS: Final = 9  # many short ones: a long one meets somebody else's work on one side only
PERIOD_POSITIONS: Final = 40_000


@dataclass
class Book:
    """A book filled to `events`, and what a benchmark asks of it."""

    ledger: Ledger
    events: int
    fill_rate: float
    _random: random.Random = field(default_factory=lambda: random.Random(5))  # noqa: S311 - the same in every run
    _appended: int = 0

    def fresh(self) -> list[list[Unit]]:
        """Batches of units that the book has not seen."""
        first = self.events + self._appended
        self._appended += BATCHES * BATCH_UNITS
        return [[unit_of(first + n * BATCH_UNITS + k) for k in range(BATCH_UNITS)] for n in range(BATCHES)]

    async def append(self, batches: Sequence[Sequence[Unit]]) -> int:
        return sum([await append(self.ledger, batch) for batch in batches])

    def streams(self) -> list[str]:
        return [stream_of(self._random.randrange(self.events // 2)) for _ in range(LOADS)]

    async def load(self, streams: Sequence[str]) -> int:
        for stream in streams:
            events = (await self.ledger.store.load(stream))[stream]
            assert [event.version for event in events] == [1, 2]
        return len(streams)

    def positions(self) -> list[int]:
        return [self._random.randrange(self.events - SLICE_POSITIONS_MAX) for _ in range(SLICES)]

    async def read(self, positions: Sequence[int]) -> int:
        for after in positions:
            events, through = await self.ledger.feed.read(after)
            assert through == after + len(events) == after + SLICE_POSITIONS_MAX
        return len(positions) * SLICE_POSITIONS_MAX

    def periods(self) -> list[tuple[str, Period]]:
        starts = [self._random.randrange(1, self.events - PERIOD_POSITIONS) for _ in range(STATEMENTS)]
        return [
            (chart.seller_available(f"seller-{start % SELLERS}"), Period(start, start + PERIOD_POSITIONS - 1))
            for start in starts
        ]

    async def state(self, periods: Sequence[tuple[str, Period]]) -> int:
        for account, period in periods:
            found = await statement(self.ledger, account, "USD", period)
            page = await found.page(None, 100)
            assert len(page.entries) == PERIOD_POSITIONS // SELLERS
            assert (
                page.entries[-1].balance_minor == found.closing_minor == found.opening_minor - 8_000 * len(page.entries)
            )
        return len(periods)


async def _filled(stack: AsyncExitStack, server: Postgres, events: int) -> Book:
    url = await server.create_database(f"bench_{events}")
    await migrate_all(url)
    ledger = await stack.enter_async_context(open_ledger(url, None))
    rate = await fill(ledger, events)
    async with open_ledger(url, "audit") as audit:
        await Projector(audit.pool, audit.feed, entries.projection()).catch_up()
    return Book(ledger, events, rate)


async def _measured(short: Book, long: Book) -> list[Result]:
    async def compared(bench: str, unit: str, side: Callable[[Book], Side[Any]]) -> Result:
        result = await in_turns(bench, unit, side(long), side(short), rounds=ROUNDS)
        result.more.update(events=long.events, limit_events=short.events)
        return result

    appending = await compared("growth_append", "entries/s", lambda book: Side(book.fresh, book.append))
    appending.more.update(fill_rate=round(long.fill_rate), limit_fill_rate=round(short.fill_rate))
    return [
        appending,
        await compared("growth_load", "streams/s", lambda book: Side(book.streams, book.load)),
        await compared("growth_read", "events/s", lambda book: Side(book.positions, book.read)),
        await compared("growth_statement", "statements/s", lambda book: Side(book.periods, book.state)),
    ]


async def run() -> list[Result]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(tuned_postgres())
        short, long = [await _filled(stack, server, events) for events in (SHORT, LONG)]
        results = await _measured(short, long)
        for book in (short, long):
            head = await book.ledger.feed.head()
            assert await book.ledger.store.balance(chart.STRIPE_PLATFORM, "USD") == 10_000 * head
        return results
