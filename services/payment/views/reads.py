"""What may be asked of the read models."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from libs.eventstore.pool import availability
from libs.ledger.errors import NotFound
from services.payment.views.chargebacks import ChargebackViews
from services.payment.views.rows import SQL

ORDERS_SECONDS_MAX: Final = 3_600.0


async def orders_of(pool: asyncpg.Pool, book: int, buyer: str) -> list[str]:
    """The ids of the orders that a buyer placed and we accepted. Takes some seconds a million events."""
    with availability():
        return [row["order_id"] for row in await pool.fetch(SQL.orders_of, book, buyer, timeout=ORDERS_SECONDS_MAX)]


class Overdue(NamedTuple):
    """A payment that nobody paid in time, with its intent at the processor."""

    payment_id: UUID
    order_id: str
    intent_id: str
    expires_at: datetime


FIRST_OVERDUE: Final = Overdue(UUID(int=0), "", "", datetime.min.replace(tzinfo=UTC))
"""Before all that there are."""


class Views:
    """What may be asked about payments. Raises `Unavailable`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.chargebacks = ChargebackViews(pool)

    async def payments(
        self, *, order_id: str | None, status: str | None, after: int | None, limit: int
    ) -> list[asyncpg.Record]:
        """Payments, newest first, from the one after the position `after`."""
        with availability():
            return await self._pool.fetch(SQL.payments, order_id, status, after, limit)

    async def payment(self, payment_id: UUID) -> asyncpg.Record:
        """One payment; raises `NotFound` (`unknown_payment`)."""
        with availability():
            row = await self._pool.fetchrow(SQL.payment, payment_id)
        if row is None:
            raise NotFound(
                f"There is no payment {payment_id}; GET /payments?order_id=... finds the one of an order.",
                code="unknown_payment",
            )
        return row

    async def expirable(self, as_of: datetime, *, after: Overdue, limit: int) -> list[Overdue]:
        """What has expired at `as_of`, oldest first, from the one after `after`."""
        with availability():
            rows = await self._pool.fetch(SQL.expirable, as_of, after.expires_at, after.payment_id, limit)
        return [Overdue._make(row) for row in rows]

    async def refunds(self, payment_id: UUID) -> list[asyncpg.Record]:
        with availability():
            return await self._pool.fetch(SQL.refunds, payment_id)
