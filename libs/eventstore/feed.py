"""The log in order, for readers with a checkpoint. LISTEN is a hint, polling is the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import asyncpg

from libs.eventstore.model import Recorded
from libs.eventstore.pool import availability
from libs.eventstore.signal import Signal
from libs.eventstore.store import SQL, recorded
from libs.ledger.errors import Unavailable

SLICE_POSITIONS_MAX = 1_000
POLL_SECONDS = 1.0
GATHER_SECONDS = 0.04
"""Readers pause so long after a slice: several commits then share the next one, at a fraction of the transactions."""


class Slice(NamedTuple):
    """Events after a position; `through` is how far the reader has now seen, its next checkpoint."""

    events: list[Recorded]
    through: int


class Feed:
    """Reads one book. Positions are dense and in commit order, so `position > checkpoint` never skips."""

    def __init__(self, pool: asyncpg.Pool, book: int) -> None:
        self._pool = pool
        self.book = book
        self.signal = Signal()

    async def read(
        self,
        after: int,
        kinds: Sequence[str] | None = None,
        *,
        through: int | None = None,
        connection: Any = None,
    ) -> Slice:
        """The next events after a position, at most `SLICE_POSITIONS_MAX` positions ahead, of some kinds or all.

        `through` stops at a position; `connection` reads inside somebody's transaction.
        """
        source = connection or self._pool
        with availability():
            end = await self.reach(after, SLICE_POSITIONS_MAX, through=through, connection=source)
            if end == after:
                return Slice([], after)
            return Slice(list(map(recorded, await source.fetch(SQL.read, self.book, after, end, kinds))), end)

    async def reach(self, after: int, positions_max: int, *, through: int | None = None, connection: Any = None) -> int:
        """The last position of the slice that a reader at `after` may take now; `after` itself when there is none."""
        with availability():
            head: int = await (connection or self._pool).fetchval(SQL.head, self.book)
        return max(after, min(head, after + positions_max, head if through is None else through))

    async def head(self) -> int:
        """The position of the last event, 0 in an empty book."""
        with availability():
            position: int = await self._pool.fetchval(SQL.head, self.book)
            return position

    async def listen(self) -> None:
        """Pulse `signal` at every append to this book; runs until the connection is lost (raises `Unavailable`)."""
        lost = asyncio.Event()
        with availability():
            async with self._pool.acquire() as connection:
                connection.add_termination_listener(lambda _: lost.set())
                await connection.add_listener("ledger", self._heard)
                self.signal.pulse()
                try:
                    await lost.wait()
                finally:
                    if not connection.is_closed():
                        await connection.remove_listener("ledger", self._heard)
        raise Unavailable("The listening connection was lost.", code="database_down")

    def _heard(self, _connection: object, _pid: int, _channel: str, book: object) -> None:
        if book == str(self.book):
            self.signal.pulse()
