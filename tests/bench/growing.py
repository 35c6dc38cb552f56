"""Filling a book to any length through `append`, with its progress on standard error."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator, Sequence
from uuid import NAMESPACE_OID, uuid4, uuid5

from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Appended, Change, Key, Unit
from tests.bench.book import release

BATCH_UNITS = 1_000
ROUND_UNITS = 2 * BATCH_UNITS
_AT_ONCE = 2  # rounds: one batch is laid out while another is stored
_SHOWN_EVERY_SECONDS = 5.0


def events_wanted(default: int) -> int:
    """HOLDFAST_BENCH_EVENTS, the length of the book that a benchmark is to grow, in whole rounds of units."""
    wanted = int(os.environ.get("HOLDFAST_BENCH_EVENTS", default))
    return -(-wanted // ROUND_UNITS) * ROUND_UNITS


def stream_of(number: int) -> str:
    """Known beforehand, and as scattered over the index as the derived ids of real streams."""
    return f"escrow-{uuid5(NAMESPACE_OID, f'holdfast/bench/{number}')}"


def unit_of(number: int) -> Unit:
    """A release: a round opens a thousand streams, and gives each its second event in its second half.

    Most keys are of messages about events, which count up; every fourth is of a shop or a processor, at random.
    """
    unit = release(number)
    [change] = unit.changes
    version, place = divmod(number % ROUND_UNITS, BATCH_UNITS)
    stream = stream_of(number // ROUND_UNITS * BATCH_UNITS + place)
    key = f"escrow.payments:/holdfast/payment:1-{number}" if number % 4 else f"escrow.orders:/shop:{uuid4()}"
    return Unit([Change(stream, version, change.events)], unit.meta, Key(key, b"f" * 32))


async def append(ledger: Ledger, units: Sequence[Unit]) -> int:
    """One batch; how many landed, which must be all."""
    outcomes = await ledger.store.append(units)
    assert all(isinstance(outcome, Appended) for outcome in outcomes)
    return len(units)


async def fill(ledger: Ledger, events: int) -> float:
    """Append so many events, in whole rounds; events a second over the last tenth of them."""
    start = await ledger.feed.head()
    progress = _Progress(events)
    rounds = iter(range(0, events, ROUND_UNITS))

    async def appending(rounds: Iterator[int]) -> None:
        for first in rounds:
            for half in (first, first + BATCH_UNITS):
                progress.add(await append(ledger, [unit_of(n) for n in range(half, half + BATCH_UNITS)]))

    await asyncio.gather(*(appending(rounds) for _ in range(_AT_ONCE)))
    assert await ledger.feed.head() == start + events
    return progress.rate_of_last_tenth()


class _Progress:
    """Counts events, and says now and then how many there are and how fast they come."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._marks = [(0, time.perf_counter())]
        self._shown = self._marks[0]

    def add(self, events: int) -> None:
        mark = (self._marks[-1][0] + events, time.perf_counter())
        self._marks.append(mark)
        if mark[1] - self._shown[1] >= _SHOWN_EVERY_SECONDS:
            rate = _rate(self._shown, mark)
            print(f"  {mark[0]:,} of {self._total:,} events, {rate:,.0f} events/s", file=sys.stderr, flush=True)
            self._shown = mark

    def rate_of_last_tenth(self) -> float:
        return _rate(self._marks[len(self._marks) * 9 // 10 - 1], self._marks[-1])


def _rate(before: tuple[int, float], now: tuple[int, float]) -> float:
    return (now[0] - before[0]) / (now[1] - before[1])
