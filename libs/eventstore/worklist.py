"""Work for the outside world: rows made by a projection, claimed with a lease, done many at once."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from libs.eventstore.pool import availability
from libs.eventstore.signal import Signal, pulsed
from libs.eventstore.store import SQL
from libs.ledger.errors import Unavailable

LEASE_SECONDS = 15.0  # after a worker's death its rows wait for so long; a live one renews them in time
BACKOFF_SECONDS_MAX = 60.0
POLL_SECONDS = 1.0
GATHER_SECONDS = 0.02

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do. `attempts` counts this one: from the second on, an earlier one may have had its effect."""

    id: str
    kind: str
    subject: UUID
    data: Mapping[str, Any]
    attempts: int


Perform = Callable[[Item], Awaitable[None]]


class Worker:
    """Performs work of some kinds. A performance ends by appending the outcome, whose projection deletes the row.

    If it raises, the row comes back after a growing pause; if the process dies, after its lease.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        arrived: Signal,
        performances: Mapping[str, Perform],
        clock: Callable[[], datetime],
        *,
        at_once_max: int = 32,
    ) -> None:
        self._pool = pool
        self._arrived = arrived
        self._performances = performances
        self._clock = clock
        self._at_once_max = at_once_max
        self._running: dict[asyncio.Task[None], str] = {}
        self._renewing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Work until cancelled; a cancelled worker lets what it began finish."""
        try:
            while True:
                armed = self._arrived.arm()
                free = self._at_once_max - len(self._running)
                if free and await self.start_due(self._clock(), free) == free:
                    continue
                if len(self._running) == self._at_once_max:
                    await asyncio.wait(list(self._running), return_when=asyncio.FIRST_COMPLETED)
                    await asyncio.sleep(GATHER_SECONDS)  # others end soon: claim for several in one statement
                else:
                    await pulsed(armed, poll_seconds=POLL_SECONDS)
        finally:
            if self._running:
                await asyncio.wait(self._running)

    async def drain(self, as_of: datetime) -> int:
        """Perform everything due at `as_of` and wait for it; how many were tried. For jobs."""
        tried = 0
        while started := await self.start_due(as_of, self._at_once_max):
            await asyncio.wait(self._running)
            tried += started
        return tried

    async def start_due(self, as_of: datetime, limit: int) -> int:
        with availability():
            rows = await self._pool.fetch(SQL.claim, list(self._performances), as_of, LEASE_SECONDS, limit)
        for row in rows:
            item = Item(row["id"], row["kind"], row["subject"], json.loads(row["data"]), row["attempts"])
            task = asyncio.create_task(self._perform(item))
            self._running[task] = item.id
            task.add_done_callback(self._running.pop)
        if rows and (self._renewing is None or self._renewing.done()):
            self._renewing = asyncio.create_task(self._renew())
        return len(rows)

    async def _renew(self) -> None:
        """Keep the leases of what runs. One that is lost all the same costs a second call under the same key."""
        while self._running:
            await asyncio.wait(list(self._running), timeout=LEASE_SECONDS / 3)
            try:
                with availability():
                    await self._pool.execute(SQL.renew, list(self._running.values()), LEASE_SECONDS)
            except Unavailable as error:
                log.warning("leases could not be renewed", error=str(error))

    async def _perform(self, item: Item) -> None:
        try:
            await self._performances[item.kind](item)
        except Exception as error:  # noqa: BLE001 - whatever it was, the row must come back
            pause = min(2.0 ** (item.attempts - 1), BACKOFF_SECONDS_MAX) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
            log.warning(
                "work failed, will be tried again",
                work=item.id,
                attempt=item.attempts,
                pause_seconds=round(pause, 1),
                error=repr(error),
            )
            try:
                with availability():
                    await self._pool.execute(SQL.put_back, item.id, pause, repr(error)[:500])
            except Exception:  # noqa: BLE001 - the database is away as well: the lease brings the row back
                log.warning("work could not be put back, its lease will end", work=item.id)
