"""Everything a service needs of the event store, opened together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from libs.eventstore.feed import Feed
from libs.eventstore.pool import open_pool
from libs.eventstore.store import Store
from libs.eventstore.writer import Writer


@dataclass(frozen=True, slots=True)
class Ledger:
    """One book, seen by one service in its own database role."""

    pool: asyncpg.Pool
    store: Store
    writer: Writer
    feed: Feed


@asynccontextmanager
async def open_ledger(url: str, service: str | None, *, book: int = 1) -> AsyncIterator[Ledger]:
    """Open a book for a service (`payment`, `escrow`, ...), or with the login's own role when `service` is None."""
    async with open_pool(url, service) as pool:
        store = Store(pool, book)
        yield Ledger(pool, store, Writer(store), Feed(pool, book))
