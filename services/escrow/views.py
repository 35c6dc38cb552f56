"""Read model of escrows and their allocations, and what is due of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

from libs.eventstore import queries
from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded, stream_name
from libs.eventstore.pool import availability
from libs.eventstore.projector import Projection
from libs.eventstore.rows import Row, Rows
from libs.eventstore.store import Store
from libs.eventstore.vault import Vault
from libs.ledger.errors import NotFound
from libs.ledger.personal import texts
from services.escrow.domain import ESCROW
from services.escrow.domain import events as e

SQL: Final = queries.load(Path(__file__).parent / "sql" / "queries.sql")


def projection(codec: Codec[e.EscrowEvent]) -> Projection:
    async def apply(connection: Any, events: Sequence[Recorded]) -> None:
        escrows = Rows("escrow_id", opening=SQL.open_escrows, changing=SQL.change_escrows)
        allocations = Rows("escrow_id", "seller", opening=SQL.open_allocations, changing=SQL.change_allocations)
        for recorded in events:
            event = codec.decode(recorded)
            if isinstance(event, e.FundsHeld):
                _open(event, recorded.position, escrows, allocations)
            elif isinstance(event, e.HeldEvent):
                escrows.change(event.escrow_id, status=event.status)
                sellers, news = _news(event)
                for seller in sellers:
                    allocations.change(event.escrow_id, seller, **news)
        await escrows.write(connection)
        await allocations.write(connection)

    return Projection("escrows", {"escrows": (), "allocations": ()}, ("escrow",), apply)


def _open(event: e.FundsHeld, position: int, escrows: Rows, allocations: Rows) -> None:
    escrows.open(
        event.escrow_id,
        payment_id=event.payment_id,
        order_id=event.order_id,
        currency=event.currency,
        amount_minor=event.amount_minor,
        status=event.status,
        held_at=event.at,
        deliver_by=event.deliver_by,
        hold_until_max=event.hold_until_max,
        position=position,
    )
    for each in event.allocations:
        allocations.open(
            event.escrow_id,
            each.seller,
            allocation_id=each.allocation_id,
            gross_minor=each.gross_minor,
            commission_minor=each.commission_minor,
            deliver_by=event.deliver_by,
        )


def _news(event: e.HeldEvent) -> tuple[Collection[str], Row]:
    """Of which sellers' allocations an event tells, and what."""
    match event:
        case e.DeliveryConfirmed(sellers=sellers, release_at=release_at):
            return sellers, {"release_at": release_at}
        case e.DisputeOpened(sellers=sellers):
            return sellers, {"disputed": True}
        case e.AllocationReleased(seller=seller, at=at):
            return [seller], _settled("released", at)
        case e.EscrowRefunded(sellers=sellers, at=at):
            return sellers, _settled("refunded", at)
        case _:
            return [], {}


def _settled(outcome: str, at: datetime) -> Row:
    """Once there is an outcome, nothing else is due or open."""
    return {"outcome": outcome, "settled_at": at, "release_at": None, "disputed": False}


class Shown(NamedTuple):
    """An escrow's row and those of its allocations."""

    escrow: asyncpg.Record
    allocations: Sequence[asyncpg.Record]


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
