"""Read models: tables that follow the log, with the checkpoint in the same transaction as the rows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from libs.eventstore.feed import GATHER_SECONDS, POLL_SECONDS, Feed
from libs.eventstore.model import Recorded
from libs.eventstore.pool import availability
from libs.eventstore.signal import Signal, pulsed
from libs.eventstore.store import SQL

Apply = Callable[[Any, Sequence[Recorded]], Awaitable[None]]

WORK_COLUMNS = ("attempts", "next_attempt_at", "leased_until", "last_error")


@dataclass(frozen=True, slots=True)
class Projection:
    """A read model. `apply(connection, events)` writes rows for a slice of the log, in order, unqualified table names.

    `tables` names its tables, each with the columns that are not derived from events (a lease, an attempt counter) and
    which a replay therefore does not compare. `kinds` are the stream kinds it reads, None for all.
    """

    name: str
    tables: Mapping[str, tuple[str, ...]]
    kinds: tuple[str, ...] | None
    apply: Apply = field(repr=False)


class Projector:
    """Keeps one projection up to date. Any number of instances may run; the checkpoint's row lock lets one work."""

    def __init__(
        self, pool: asyncpg.Pool, feed: Feed, projection: Projection, *, gather_seconds: float = GATHER_SECONDS
    ) -> None:
        self._pool = pool
        self._feed = feed
        self._gather_seconds = gather_seconds
        self.projection = projection
        self.moved = Signal()

    async def run(self) -> None:
        """Follow the log until cancelled."""
        while True:
            armed = self._feed.signal.arm()
            await self.catch_up()
            await pulsed(armed, poll_seconds=POLL_SECONDS)
            await asyncio.sleep(self._gather_seconds)

    async def catch_up(self) -> None:
        """Apply everything that is in the log now."""
        while await self._step():
            self.moved.pulse()

    async def _step(self) -> bool:
        name = self.projection.name
        with availability():
            async with self._pool.acquire() as connection, connection.transaction():
                position = await connection.fetchval(SQL.checkpoint_lock, name)
                if position is None:
                    await connection.execute(SQL.checkpoint_start, name)
                    return True
                events, through = await self._feed.read(position, self.projection.kinds, connection=connection)
                if through == position:
                    return False
                if events:
                    await self.projection.apply(connection, events)
                await connection.execute(SQL.checkpoint_move, name, through)
                return True
