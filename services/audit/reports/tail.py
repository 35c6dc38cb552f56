"""The log as people read logs: the last events, or those after a position, or each as it comes; filtered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from libs.eventstore.feed import POLL_SECONDS
from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Recorded
from libs.eventstore.pool import availability
from libs.eventstore.signal import pulsed
from libs.eventstore.store import recorded
from services.audit.proofs.progress import Meter, Progress, quiet
from services.audit.reports.moments import SQL
from services.audit.reports.plain import plain

SCAN_POSITIONS: Final = 50_000
"""One statement looks no further: what matches nothing still shows progress, and never runs into a timeout."""

BATCH_EVENTS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events; what is empty or None lets all pass."""

    kinds: Sequence[str] = ()
    stream: str | None = None
    types: Sequence[str] = ()
    account: str | None = None
    actor: str | None = None

    @property
    def arguments(self) -> tuple[Any, ...]:
        return (list(self.kinds) or None, self.stream, list(self.types) or None, self.account, self.actor)


async def last(
    ledger: Ledger, only: Filter, limit: int, through: int, *, after: int = 0, progress: Progress = quiet
) -> list[Recorded]:
    """The last events that pass the filter, oldest first, after one position, up to another."""
    found: list[Recorded] = []
    meter = Meter("events", through - after, progress)
    for end in range(through, after, -SCAN_POSITIONS):
        start = max(after, end - SCAN_POSITIONS)
        found += await _read(ledger, SQL.newest_first, start, end, only, limit - len(found))
        meter.reached(through - start)
        if len(found) == limit:
            break
    return found[::-1]


async def following(ledger: Ledger, only: Filter, after: int, limit: int, *, wait_seconds: float = 0) -> list[Recorded]:
    """The next events that pass the filter, after a position; where there are none, waits so long for the first."""
    deadline = asyncio.get_running_loop().time() + wait_seconds
    while True:
        armed = ledger.feed.signal.arm()
        head = await ledger.feed.head()
        found = await _scan(ledger, only, after, head, limit)
        left = deadline - asyncio.get_running_loop().time()
        if found or left <= 0:
            return found
        after = max(after, head)
        await pulsed(armed, poll_seconds=min(left, POLL_SECONDS))


async def stream(ledger: Ledger, only: Filter, after: int, through: int | None = None) -> AsyncIterator[Recorded]:
    """All events after a position that pass the filter, up to another, or without one for ever as they come."""
    while True:
        armed = ledger.feed.signal.arm()
        end = await ledger.feed.head() if through is None else through
        while after < end:
            found = await _scan(ledger, only, after, end, BATCH_EVENTS)
            for event in found:
                yield event
            after = found[-1].position if len(found) == BATCH_EVENTS else end
        if through is not None:
            return
        await pulsed(armed, poll_seconds=POLL_SECONDS)


def line(event: Recorded) -> dict[str, Any]:
    """An event for a line of JSON; `data` is the text that its hash covers."""
    arrays = ("accounts", "currencies", "amounts")
    fields = {name: getattr(event, name) for name in Recorded._fields if name not in arrays}
    report: dict[str, Any] = plain(fields | {"postings": [posting._asdict() for posting in event.postings]})
    return report


async def _scan(ledger: Ledger, only: Filter, after: int, through: int, limit: int) -> list[Recorded]:
    found: list[Recorded] = []
    for start in range(after, through, SCAN_POSITIONS):
        end = min(start + SCAN_POSITIONS, through)
        found += await _read(ledger, SQL.oldest_first, start, end, only, limit - len(found))
        if len(found) == limit:
            break
    return found


async def _read(ledger: Ledger, text: str, after: int, through: int, only: Filter, limit: int) -> list[Recorded]:
    with availability():
        async with ledger.pool.acquire() as connection, connection.transaction(readonly=True):
            # One plan for all filters would read the whole range where an index knows the stream.
            await connection.execute("set local plan_cache_mode = force_custom_plan")
            rows = await connection.fetch(text, ledger.store.book, after, through, *only.arguments, limit)
    return list(map(recorded, rows))
