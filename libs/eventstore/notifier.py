"""Telling listeners that a book has grown, after the commit and never inside it.

PostgreSQL commits one notifying transaction of a database after the other: a NOTIFY inside `append` made sixteen books
share one queue. A notification is a hint, which may be late or lost: readers poll as well.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import asyncpg

from libs.eventstore.pool import availability
from libs.ledger.errors import Unavailable

NOTIFY_SECONDS = 0.04
"""At most one notification in so long; readers pause as long themselves."""


class Notifier:
    """Notifies of one book: at once after the first append, and once more after those that came since."""

    def __init__(self, pool: asyncpg.Pool, book: int) -> None:
        self._pool = pool
        self._book = book
        self._grown = False
        self._telling: asyncio.Task[None] | None = None  # the loop itself holds tasks weakly

    def grown(self) -> None:
        """Something was appended. Returns at once."""
        self._grown = True
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        try:
            with suppress(Unavailable), availability():
                # The same connection for as long as there is something to tell. If appends and notifications changed
                # places all the time, an append would seldom meet the server process that has run the one before.
                async with self._pool.acquire() as connection:
                    while self._grown:
                        self._grown = False
                        await connection.execute("select pg_notify('ledger', $1)", str(self._book))
                        await asyncio.sleep(NOTIFY_SECONDS)
        finally:
            self._telling = None
