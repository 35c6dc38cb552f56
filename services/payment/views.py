"""The read models: payments with their refunds, and the work list. Written by the projection, read by HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from libs.eventstore import queries
from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded
from libs.eventstore.pool import availability
from libs.eventstore.projector import WORK_COLUMNS, Projection
from libs.eventstore.rows import Rows, write
from libs.ledger.decider import Event
from libs.ledger.errors import NotFound
from services.payment import work
from services.payment.domain import events as e

SQL: Final = queries.load(Path(__file__).parent / "sql" / "queries.sql")
ORDERS_SECONDS_MAX: Final = 3_600.0


def projection(codec: Codec[Any]) -> Projection:
    tables = {"payments": (), "refunds": (), "work": WORK_COLUMNS}
    return Projection("payments", tables, ("payment", "webhook"), partial(_apply, codec))


async def _apply(codec: Codec[Any], connection: Any, events: Sequence[Recorded]) -> None:
    changes = _Changes()
    for recorded in events:
        changes.add(codec.decode(recorded), recorded)
    await changes.write(connection)


class _Changes:
    """What a slice of the log makes of the tables."""

    def __init__(self) -> None:
        self._payments = Rows("payment_id", opening=SQL.open_payments, changing=SQL.change_payments)
        self._refunds = Rows("refund_id", opening=SQL.open_refunds, changing=SQL.change_refunds)
        self._work: dict[str, work.Work] = {}
        self._done: set[str] = set()

    def add(self, event: Event, recorded: Recorded) -> None:
        if todo := work.opened(event, recorded):
            self._work[todo.id] = todo
        stream_id = event.payment_id if isinstance(event, e.PaymentEvent) else recorded.stream_id  # the same, sooner
        self._done.update(work.closed(event, stream_id))
        match event:
            case e.RefundEvent():
                self._refund(event, recorded)
            case e.PaymentEvent():
                self._payment(event, recorded)

    def _payment(self, event: e.PaymentEvent, recorded: Recorded) -> None:
        change = partial(self._payments.change, event.payment_id)
        match event:
            case e.PaymentRequested():
                self._open(event, recorded, "requested")
            case e.OrderRejected(code=code) if code != e.ORDER_CHANGED:
                self._open(event, recorded, "rejected", code)
            case e.IntentCreated(intent_id=intent_id):
                change(intent_id=intent_id)
            case e.IntentRefused(code=code):
                change(status="rejected", last_failure_code=code)
            case e.PaymentPending(status=status):
                change(status=status)
            case e.PaymentFailed(code=code):
                change(status="failed", last_failure_code=code)
            case e.PaymentCaptured(charge=charge, at=at):
                change(status="captured", charge=charge, captured_at=at)
            case e.CancelRequested():
                change(cancel_requested=True)
            case e.PaymentCanceled():
                change(status="canceled")

    def _refund(self, event: e.RefundEvent, recorded: Recorded) -> None:
        change = partial(self._refunds.change, event.refund_id)
        match event:
            case e.RefundRequested(payment_id=payment_id, amount_minor=amount_minor, at=at):
                place = {"payment_id": payment_id, "position": recorded.position}
                self._refunds.open(
                    event.refund_id, **place, amount_minor=amount_minor, status="requested", requested_at=at
                )
            case e.RefundOutcomeUnknown():
                change(status="unknown", failure_code=None)
            case e.RefundPending():
                change(status="pending", failure_code=None)
            case e.RefundSucceeded(status=status, refunded_minor=refunded_minor):
                change(status="succeeded", failure_code=None)
                self._payments.change(event.payment_id, status=status, refunded_minor=refunded_minor)
            case e.RefundFailed(status=status, refunded_minor=refunded_minor, code=code):
                change(status="failed", failure_code=code)
                self._payments.change(event.payment_id, status=status, refunded_minor=refunded_minor)

    def _open(
        self, event: e.PaymentRequested | e.OrderRejected, recorded: Recorded, status: str, code: str | None = None
    ) -> None:
        self._payments.open(
            event.payment_id,
            order_id=event.order_id,
            position=recorded.position,
            status=status,
            currency=event.currency,
            amount_minor=event.amount_minor,
            requested_at=event.at,
            last_failure_code=code,
        )

    async def write(self, connection: Any) -> None:
        await self._payments.write(connection)
        await self._refunds.write(connection)
        # Work that began and ended within the slice is never seen.
        await write(connection, SQL.open_work, [todo for key, todo in self._work.items() if key not in self._done])
        if over := self._done - self._work.keys():
            await connection.execute(SQL.close_work, list(over))


async def orders_of(pool: asyncpg.Pool, book: int, buyer: str) -> list[str]:
    """The ids of the orders that a buyer placed and we accepted. Takes some seconds a million events."""
    with availability():
        return [row["order_id"] for row in await pool.fetch(SQL.orders_of, book, buyer, timeout=ORDERS_SECONDS_MAX)]


class Views:
    """What may be asked about payments. Raises `Unavailable`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

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

    async def refunds(self, payment_id: UUID) -> list[asyncpg.Record]:
        with availability():
            return await self._pool.fetch(SQL.refunds, payment_id)
