"""The read models: payments with their refunds, and the work list. Written by the projection, read by HTTP."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
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
from libs.ledger.decider import Event
from libs.ledger.errors import NotFound
from services.payment import work
from services.payment.domain import events as e

SQL: Final = queries.load(Path(__file__).parent / "sql" / "queries.sql")


def projection(codec: Codec[Any]) -> Projection:
    tables = {"payments": (), "refunds": (), "work": WORK_COLUMNS}
    return Projection("payments", tables, ("payment", "webhook"), partial(_apply, codec))


async def _apply(codec: Codec[Any], connection: Any, events: Sequence[Recorded]) -> None:
    changes = _Changes()
    for recorded in events:
        changes.add(codec.decode(recorded), recorded)
    await changes.write(connection)


@dataclass(slots=True)
class _Changes:
    """A slice of the log, gathered into a few statements. What opens a row always comes before what changes it."""

    payments: list[tuple[Any, ...]] = field(default_factory=list)
    payment_changes: list[tuple[Any, ...]] = field(default_factory=list)
    refunds: list[tuple[Any, ...]] = field(default_factory=list)
    refund_changes: list[tuple[Any, ...]] = field(default_factory=list)
    work: list[tuple[Any, ...]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def add(self, event: Event, recorded: Recorded) -> None:
        if todo := work.opened(event, recorded):
            self.work.append((todo.id, todo.kind, todo.subject, todo.due_at, json.dumps(todo.data)))
        self.done += work.closed(event, recorded.stream_id)
        match event:
            case e.RefundEvent():
                self._refund(event, recorded)
            case e.PaymentEvent():
                self._payment(event, recorded)

    def _payment(self, event: e.PaymentEvent, recorded: Recorded) -> None:
        match event:
            case e.PaymentRequested():
                self._open(event, recorded, "requested")
            case e.OrderRejected(code=code) if code != e.ORDER_CHANGED:
                self._open(event, recorded, "rejected", code)
            case e.IntentCreated(intent_id=intent_id):
                self._change(event, intent_id=intent_id)
            case e.IntentRefused(code=code):
                self._change(event, status="rejected", failure_code=code)
            case e.PaymentPending(status=status):
                self._change(event, status=status)
            case e.PaymentFailed(code=code):
                self._change(event, status="failed", failure_code=code)
            case e.PaymentCaptured(charge=charge, at=at):
                self._change(event, status="captured", charge=charge, captured_at=at)
            case e.CancelRequested():
                self._change(event, cancel_requested=True)
            case e.PaymentCanceled():
                self._change(event, status="canceled")

    def _refund(self, event: e.RefundEvent, recorded: Recorded) -> None:
        refund_id = event.refund_id
        match event:
            case e.RefundRequested():
                self.refunds.append((refund_id, event.payment_id, recorded.position, event.amount_minor, event.at))
            case e.RefundOutcomeUnknown():
                self.refund_changes.append((refund_id, "unknown", None))
            case e.RefundPending():
                self.refund_changes.append((refund_id, "pending", None))
            case e.RefundSucceeded(status=status, refunded_minor=refunded_minor):
                self.refund_changes.append((refund_id, "succeeded", None))
                self._change(event, status=status, refunded_minor=refunded_minor)
            case e.RefundFailed(status=status, refunded_minor=refunded_minor, code=code):
                self.refund_changes.append((refund_id, "failed", code))
                self._change(event, status=status, refunded_minor=refunded_minor)

    def _open(
        self, event: e.PaymentRequested | e.OrderRejected, recorded: Recorded, status: str, code: str | None = None
    ) -> None:
        self.payments.append(
            (
                event.payment_id,
                event.order_id,
                recorded.position,
                status,
                event.currency,
                event.amount_minor,
                event.at,
                code,
            )
        )

    def _change(
        self,
        event: e.PaymentEvent,
        *,
        status: str | None = None,
        intent_id: str | None = None,
        charge: str | None = None,
        captured_at: datetime | None = None,
        failure_code: str | None = None,
        refunded_minor: int | None = None,
        cancel_requested: bool = False,
    ) -> None:
        change = (status, intent_id, charge, captured_at, failure_code, refunded_minor, cancel_requested)
        self.payment_changes.append((event.payment_id, *change))

    async def write(self, connection: Any) -> None:
        for statement, rows in (
            (SQL.open_payment, self.payments),
            (SQL.change_payment, self.payment_changes),
            (SQL.open_refund, self.refunds),
            (SQL.change_refund, self.refund_changes),
            (SQL.open_work, self.work),
        ):
            if rows:
                await connection.executemany(statement, rows)
        if self.done:
            await connection.execute(SQL.close_work, self.done)


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
