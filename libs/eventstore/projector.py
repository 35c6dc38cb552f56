"""Read models: tables that follow the log, with the checkpoint in the same transaction as the rows."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import asyncpg

from libs.eventstore import queries
from libs.eventstore.ahead import Ahead
from libs.eventstore.feed import GATHER_SECONDS, POLL_SECONDS, Feed
from libs.eventstore.model import Recorded
from libs.eventstore.pool import availability
from libs.eventstore.signal import Signal, pulsed
from libs.eventstore.store import SQL as STORE
from libs.eventstore.store import recorded

Write = Callable[[Any], Awaitable[None]]
"""Writes rows through a connection, in the caller's transaction, with unqualified table names."""

SQL: Final = queries.load(Path(__file__).parent / "sql" / "projections.sql")
SLICE_POSITIONS_MAX: Final = 10_000
"""Only who is far behind comes to so many. In larger slices fewer rows are written twice, in smaller ones others wait
less for the rows that this one locks."""
BREATH_EVENTS: Final = 100
"""After so many events a fold lets other tasks run: requests, and the statements of the slice before."""
WORK_COLUMNS = ("attempts", "next_attempt_at", "leased_until", "last_error")


class Changes(Protocol):
    """What a slice of the log makes of the tables of a read model."""

    def add(self, recorded: Recorded) -> None:
        """Take in the next event. It may not read: a slice is folded before the one that precedes it is written."""

    async def write(self, connection: Any) -> None:
        """Write what became of all of them, which may be none; here the tables are as the slice before left them."""


class Slice(NamedTuple):
    """The log after a position, through another, made ready to be written. Both are the same where it ends."""

    after: int
    through: int
    write: Write


@dataclass(frozen=True, slots=True)
class Projection(ABC):
    """A read model: either an `EventProjection` or a `RangeProjection`.

    `tables` names its tables, each with the columns that are not derived from events (a lease, an attempt counter) and
    which a replay therefore does not compare.
    """

    name: str
    tables: Mapping[str, tuple[str, ...]]

    @abstractmethod
    async def prepare(self, connection: Any, book: int, after: int, through: int) -> Write:
        """Do all that needs the log alone, which never changes: perhaps long before its turn to be written."""

    async def read(self, connection: Any, feed: Feed, after: int, *, through: int | None = None) -> Slice:
        """The slice after a position, up to `through` if that is nearer."""
        reached = await feed.reach(after, SLICE_POSITIONS_MAX, through=through, connection=connection)
        if reached == after:
            return Slice(after, after, _nothing)
        return Slice(after, reached, await self.prepare(connection, feed.book, after, reached))

    async def advance(self, connection: Any, feed: Feed, after: int, *, through: int | None = None) -> int:
        """Apply the slice after a position, in the caller's transaction; how far the read model has now seen.

        The same position comes back when there is nothing more in the log, or nothing more up to `through`.
        """
        found = await self.read(connection, feed, after, through=through)
        await connection.execute(SQL.hasten)
        await found.write(connection)
        return found.through


@dataclass(frozen=True, slots=True)
class EventProjection(Projection):
    """A read model that is folded from events: those of the stream kinds `kinds`, of all when it is None."""

    kinds: tuple[str, ...] | None
    changes: Callable[[], Changes] = field(repr=False)

    async def prepare(self, connection: Any, book: int, after: int, through: int) -> Write:
        changes = self.changes()
        rows = await connection.fetch(STORE.read, book, after, through, self.kinds)
        for number, row in enumerate(rows, start=1):
            changes.add(recorded(row))
            if number % BREATH_EVENTS == 0:
                await asyncio.sleep(0)
        return changes.write


@dataclass(frozen=True, slots=True)
class RangeProjection(Projection):
    """A read model that takes from `ledger.events` by itself what it needs, which spares whole events their way to this
    process: `preparing(connection, book, after, through)` returns what writes its rows.
    """

    preparing: Callable[[Any, int, int, int], Awaitable[Write]] = field(repr=False)

    async def prepare(self, connection: Any, book: int, after: int, through: int) -> Write:
        return await self.preparing(connection, book, after, through)


async def _nothing(_connection: Any) -> None:
    """What there is to write of no event."""


class Projector:
    """Keeps one projection up to date. Any number of instances may run; the checkpoint's row lock lets one work.

    Who is far behind reads ahead: while the server writes a slice, the next one is fetched and folded on a second
    connection.
    """

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
        at: int | None = None
        async with Ahead(self._read) as ahead:
            while (at := await self._step(ahead, at)) is not None:
                self.moved.pulse()

    async def _step(self, ahead: Ahead[Slice], left_at: int | None) -> int | None:
        """Apply a slice, the last step having left the checkpoint at `left_at`; where it is now, None if it was at the
        end of the log.
        """
        name = self.projection.name
        # Before the transaction: it waits for a connection, and others may hold all of them to wait for our checkpoint.
        ready = await ahead.take()
        with availability():
            async with self._pool.acquire() as connection, connection.transaction():
                position = await connection.fetchval(STORE.checkpoint_lock, name)
                if position is None:
                    await connection.execute(STORE.checkpoint_start, name)
                    return 0
                if ready is None or ready.after != position:
                    ready = await self.projection.read(connection, self._feed, position)
                if ready.through == position:
                    return None
                # An instance that takes turns with another one would read ahead what the other writes.
                alone = left_at in {None, position}
                if alone and ready.through == position + SLICE_POSITIONS_MAX:
                    ahead.start(ready.through)
                await connection.execute(SQL.hasten)
                await ready.write(connection)
                await connection.execute(STORE.checkpoint_move, name, ready.through)
                return ready.through

    async def _read(self, after: int) -> Slice:
        with availability():
            async with self._pool.acquire() as connection:
                return await self.projection.read(connection, self._feed, after)
