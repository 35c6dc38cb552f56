"""Read models: tables that follow the log, with the checkpoint in the same transaction as the rows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

from libs.eventstore import queries
from libs.eventstore.feed import GATHER_SECONDS, POLL_SECONDS, Feed
from libs.eventstore.model import Recorded
from libs.eventstore.pool import availability
from libs.eventstore.signal import Signal, pulsed
from libs.eventstore.store import SQL as STORE
from libs.eventstore.store import recorded

Apply = Callable[[Any, Sequence[Recorded]], Awaitable[None]]
ApplyRange = Callable[[Any, int, int, int], Awaitable[None]]

SQL: Final = queries.load(Path(__file__).parent / "sql" / "projections.sql")
SLICE_POSITIONS_MAX: Final = 10_000
"""Only who is far behind comes to so many. In larger slices fewer rows are written twice, in smaller ones others wait
less for the rows that this one locks."""
WORK_COLUMNS = ("attempts", "next_attempt_at", "leased_until", "last_error")


@dataclass(frozen=True, slots=True)
class Projection:
    """A read model. `apply(connection, events)` writes rows for a slice of the log, in order, unqualified table names.

    `tables` names its tables, each with the columns that are not derived from events (a lease, an attempt counter) and
    which a replay therefore does not compare. `kinds` are the stream kinds it reads, None for all.

    A read model that SQL alone can make from `ledger.events` has `apply_range(connection, book, after, through)` too,
    which spares its events the way to this process and back.
    """

    name: str
    tables: Mapping[str, tuple[str, ...]]
    kinds: tuple[str, ...] | None
    apply: Apply = field(repr=False)
    apply_range: ApplyRange | None = field(default=None, repr=False)

    async def advance(self, connection: Any, feed: Feed, after: int, *, through: int | None = None) -> int:
        """Apply the slice after a position, in the caller's transaction; how far the read model has now seen.

        The same position comes back when there is nothing more in the log, or nothing more up to `through`.
        """
        reached = await feed.reach(after, SLICE_POSITIONS_MAX, through=through, connection=connection)
        if reached == after:
            return after
        await connection.execute(SQL.hasten)
        if self.apply_range is not None:
            await self.apply_range(connection, feed.book, after, reached)
        elif rows := await connection.fetch(STORE.read, feed.book, after, reached, self.kinds):
            await self.apply(connection, list(map(recorded, rows)))
        return reached


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
                position = await connection.fetchval(STORE.checkpoint_lock, name)
                if position is None:
                    await connection.execute(STORE.checkpoint_start, name)
                    return True
                through = await self.projection.advance(connection, self._feed, position)
                if through == position:
                    return False
                await connection.execute(STORE.checkpoint_move, name, through)
                return True
