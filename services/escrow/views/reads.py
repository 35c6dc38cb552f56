"""What the read model and the log tell of escrows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from libs.eventstore.codec import Codec
from libs.eventstore.model import stream_name
from libs.eventstore.pool import availability
from libs.eventstore.store import Store
from libs.eventstore.vault import Vault
from libs.ledger.errors import NotFound
from libs.ledger.personal import texts
from services.escrow.domain import ESCROW
from services.escrow.domain import events as e
from services.escrow.views.rows import SQL


class Shown(NamedTuple):
    """An escrow's row and those of its allocations."""

    escrow: asyncpg.Record
    allocations: Sequence[asyncpg.Record]


class History(NamedTuple):
    """What went back to the buyer, what was taken back from sellers for it, and what held it all up."""

    refunds: Sequence[asyncpg.Record]
    clawbacks: Sequence[asyncpg.Record]
    freezes: Sequence[asyncpg.Record]


class Due(NamedTuple):
    escrow_id: UUID
    order_id: str


class Said(NamedTuple):
    """What somebody typed: in which event and field, and who. `text` is what can still be read of it."""

    at: datetime
    event: str
    field: str
    by: str
    text: str


class Texts:
    """What people typed about an escrow. It stands in no table, only sealed in the log, where it can be forgotten."""

    def __init__(self, store: Store, codec: Codec[e.EscrowEvent], vault: Vault) -> None:
        self._store = store
        self._codec = codec
        self._vault = vault

    async def of(self, escrow_id: UUID) -> list[Said]:
        """In the order in which it was said; nothing for an escrow that does not exist. Raises as `Vault.opened`."""
        stream = stream_name(ESCROW.kind, escrow_id)
        recorded = (await self._store.load(stream))[stream]
        events = await self._vault.opened(recorded, [self._codec.decode(each) for each in recorded])
        return [
            Said(event.at, type(event).__name__, path.rpartition(".")[2], text.subjects[0], text.shown)
            for event in events
            for path, text in texts(event)
        ]


class Views:
    """What the read model knows; it follows the log within moments. All raise `Unavailable`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def escrow(self, escrow_id: UUID) -> Shown:
        """Raises `NotFound` (`unknown_escrow`)."""
        with availability():
            found = await self._pool.fetch(SQL.escrow, escrow_id)
        if not found:
            raise NotFound(
                f"There is no escrow {escrow_id}; GET /escrows?order_id=... finds the one of an order.",
                code="unknown_escrow",
                escrow_id=escrow_id,
            )
        [shown] = await self._with_allocations(found)
        return shown

    async def history(self, escrow_id: UUID) -> History:
        """Each oldest first."""
        with availability():
            return History(
                refunds=await self._pool.fetch(SQL.refunds, escrow_id),
                clawbacks=await self._pool.fetch(SQL.clawbacks, escrow_id),
                freezes=await self._pool.fetch(SQL.freezes, escrow_id),
            )

    async def escrows(
        self, *, order_id: str | None, status: str | None, seller: str | None, after: int | None, limit: int
    ) -> list[Shown]:
        """Newest first; `after` is the `position` of the last one that was seen."""
        with availability():
            found = await self._pool.fetch(SQL.escrows, order_id, status, seller, after, limit)
        return await self._with_allocations(found)

    async def due(self, as_of: datetime, *, without: Collection[UUID], limit: int) -> list[Due]:
        """The escrows of the next `limit` allocations that are due, each once."""
        with availability():
            rows = await self._pool.fetch(SQL.due, as_of, list(without), limit)
        return list(dict.fromkeys(Due(*row) for row in rows))

    async def due_count(self, as_of: datetime) -> int:
        """How many allocations are due."""
        with availability():
            count: int = await self._pool.fetchval(SQL.due_count, as_of)
            return count

    async def _with_allocations(self, escrows: Sequence[asyncpg.Record]) -> list[Shown]:
        parts: dict[UUID, list[asyncpg.Record]] = {row["escrow_id"]: [] for row in escrows}
        with availability():
            for row in await self._pool.fetch(SQL.allocations, list(parts)):
                parts[row["escrow_id"]].append(row)
        return [Shown(row, parts[row["escrow_id"]]) for row in escrows]
