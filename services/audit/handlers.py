"""Keeping what the services told the world."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import asyncpg

from libs.eventstore import queries
from libs.eventstore.pool import availability
from libs.messaging.envelope import Envelope

QUEUE: Final = "audit.all"
BATCH_MESSAGES_MAX: Final = 500
SQL: Final = queries.load(Path(__file__).parent / "sql" / "queries.sql")


class Handlers:
    """Keeps each announced message once. While one batch is being stored the next one gathers, as in the ledger."""

    def __init__(self, pool: asyncpg.Pool, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock
        self._waiting: list[tuple[Envelope, asyncio.Future[None]]] = []
        self._storing: asyncio.Task[None] | None = None

    async def announced(self, envelope: Envelope) -> None:
        """Return when the message is stored, or was before. Raises `Unavailable`."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((envelope, future))
        if self._storing is None:
            self._storing = asyncio.create_task(self._store())
        await future

    async def _store(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH_MESSAGES_MAX], self._waiting[BATCH_MESSAGES_MAX:]
                await self._settle(batch)
        finally:
            self._storing = None

    async def _settle(self, batch: Sequence[tuple[Envelope, asyncio.Future[None]]]) -> None:
        try:
            await self._insert([envelope for envelope, _ in batch])
        except Exception as error:  # noqa: BLE001 - it belongs to the callers, each of whom gets it
            if isinstance(error, asyncpg.DataError) and len(batch) > 1:
                for one in batch:  # apart, so that a message which cannot be stored takes nobody with it
                    await self._settle([one])
                return
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        else:
            for _, future in batch:
                if not future.done():  # its caller was cancelled
                    future.set_result(None)

    async def _insert(self, envelopes: Sequence[Envelope]) -> None:
        columns = zip(
            *((each.id, each.type, each.subject, each.position, each.to_json().decode()) for each in envelopes),
            strict=True,
        )
        with availability():
            await self._pool.execute(SQL.keep, *map(list, columns), self._clock())
