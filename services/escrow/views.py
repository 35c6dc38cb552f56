"""Read model of escrows and their allocations, and what is due of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

from libs.eventstore import queries
from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded
from libs.eventstore.pool import availability
from libs.eventstore.projector import Projection
from libs.ledger.errors import NotFound
from services.escrow.domain import events as e

SQL: Final = queries.load(Path(__file__).parent / "sql" / "queries.sql")
# The life of an allocation in this order; what a later statement sets, an earlier one never touches again.
STATEMENTS: Final = ("held", "allocated", "confirmed", "disputed", "settled")

Row = tuple[Any, ...]


def projection(codec: Codec[e.EscrowEvent]) -> Projection:
    async def apply(connection: Any, events: Sequence[Recorded]) -> None:
        rows: dict[str, list[Row]] = defaultdict(list)
        statuses: dict[UUID, e.Status] = {}
        for recorded in events:
            event = codec.decode(recorded)
            if isinstance(event, e.HeldEvent):
                statuses[event.escrow_id] = event.status  # of several in one slice the newest counts
                for name, *row in _facts(event, recorded.position):
                    rows[name].append(tuple(row))
        for name in STATEMENTS:
            if name in rows:
                await connection.executemany(getattr(SQL, name), rows[name])
        await connection.executemany(SQL.status, list(statuses.items()))

    return Projection("escrows", {"escrows": (), "allocations": ()}, ("escrow",), apply)


def _facts(event: e.HeldEvent, position: int) -> Iterator[Row]:
    """A statement and its parameters, for each row that the event concerns."""
    key = event.escrow_id
    match event:
        case e.FundsHeld(payment_id=payment_id, order_id=order_id, deliver_by=deliver_by):
            money = (event.currency, event.amount_minor)
            timers = (event.at, deliver_by, event.hold_until_max)
            yield "held", key, payment_id, order_id, *money, event.status, *timers, position
            for a in event.allocations:
                yield "allocated", a.allocation_id, key, a.seller, a.gross_minor, a.commission_minor, deliver_by
        case e.DeliveryConfirmed(sellers=sellers, release_at=release_at):
            yield "confirmed", key, sellers, release_at
        case e.DisputeOpened(sellers=sellers):
            yield "disputed", key, sellers
        case e.AllocationReleased(seller=seller, at=at):
            yield "settled", key, [seller], "released", at
        case e.EscrowRefunded(sellers=sellers, at=at):
            yield "settled", key, sellers, "refunded", at


class Shown(NamedTuple):
    """An escrow's row and those of its allocations."""

    escrow: asyncpg.Record
    allocations: Sequence[asyncpg.Record]


class Due(NamedTuple):
    escrow_id: UUID
    order_id: str


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
