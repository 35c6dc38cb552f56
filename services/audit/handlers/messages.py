"""Keeping what the services told the world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import asyncpg

from libs.eventstore import queries
from libs.eventstore.gatherer import Gatherer
from libs.eventstore.pool import availability
from libs.messaging.envelope import Envelope

QUEUE: Final = "audit.all"
BATCH_MESSAGES_MAX: Final = 500
SQL: Final = queries.load(Path(__file__).parents[1] / "sql" / "queries.sql")


class Handlers:
    """Keeps each announced message once, many in one statement."""

    def __init__(self, pool: asyncpg.Pool, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock
        self._kept = Gatherer[Envelope, None](self._keep, batch_max=BATCH_MESSAGES_MAX)

    async def announced(self, envelope: Envelope) -> None:
        """Return when the message is stored, or was before. Raises `Unavailable`."""
        try:
            await self._kept.ask(envelope)
        except asyncpg.DataError:
            await self._keep([envelope])  # alone: one that cannot be stored takes nobody with it

    async def _keep(self, envelopes: Sequence[Envelope]) -> list[None]:
        columns = zip(
            *((each.id, each.type, each.subject, each.position, each.to_json().decode()) for each in envelopes),
            strict=True,
        )
        with availability():
            await self._pool.execute(SQL.keep, *map(list, columns), self._clock())
        return [None] * len(envelopes)
