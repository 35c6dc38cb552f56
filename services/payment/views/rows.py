"""The projection: payments with their refunds and chargebacks, and the work list."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from libs.eventstore import queries
from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded
from libs.eventstore.projector import WORK_COLUMNS, EventProjection
from libs.eventstore.rows import Rows, write
from services.payment import work
from services.payment.domain import chargeback_events as c
from services.payment.domain import events as e
from services.payment.views.chargebacks import Contests

SQL: Final = queries.load(Path(__file__).parents[1] / "sql" / "queries.sql")


def projection(codec: Codec[Any]) -> EventProjection:
    tables = {"payments": (), "refunds": (), "chargebacks": (), "fraud_warnings": (), "work": WORK_COLUMNS}
    return EventProjection("payments", tables, ("payment", "spending", "webhook"), partial(_Changes, codec))


class _Changes:
    """What a slice of the log makes of the tables."""

    def __init__(self, codec: Codec[Any]) -> None:
        self._codec = codec
        self._payments = Rows("payment_id", opening=SQL.open_payments, changing=SQL.change_payments)
        self._refunds = Rows("refund_id", opening=SQL.open_refunds, changing=SQL.change_refunds)
        self._contests = Contests()
        self._work: dict[str, work.Work] = {}
        self._done: set[str] = set()

    def add(self, recorded: Recorded) -> None:
        event = self._codec.decode(recorded)
        if todo := work.opened(event, recorded):
            self._work[todo.id] = todo
        self._done.update(work.closed(event, recorded.stream_id_text))
        match event:
            case e.RefundEvent():
                self._refund(event, recorded)
            case c.ChargebackEvent() | c.FraudWarned():
                self._contests.add(event, recorded)
                if isinstance(event, c.ChargebackLost):
                    self._settled(event)
            case e.PaymentEvent():
                self._payment(event, recorded)

    def _payment(self, event: e.PaymentEvent, recorded: Recorded) -> None:  # noqa: C901 - one case an event
        change = partial(self._payments.change, recorded.stream_id_text)
        match event:
            case e.PaymentRequested():
                self._open(event, recorded, "requested", expires_at=event.expires_at)
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
            case e.PaymentExpired():
                change(status="expired")

    def _refund(self, event: e.RefundEvent, recorded: Recorded) -> None:
        change = partial(self._refunds.change, event.refund_id)
        match event:
            case e.RefundRequested(attempt=attempt) if attempt > 1:
                change(status="requested", failure_code=None, attempt=attempt)
            case e.RefundRequested():
                self._open_refund(event, recorded, status="requested")
            case e.RefundWithheld(code=code):
                self._open_refund(event, recorded, status="failed", failure_code=code)
            case e.RefundOutcomeUnknown():
                change(status="unknown", failure_code=None)
            case e.RefundPending():
                change(status="pending", failure_code=None)
            case e.RefundSucceeded(status=status, refunded_minor=refunded_minor):
                change(status="succeeded", failure_code=None)
                self._payments.change(recorded.stream_id_text, status=status, refunded_minor=refunded_minor)
            case e.RefundFailed(status=status, refunded_minor=refunded_minor, code=code):
                change(status="failed", failure_code=code)
                self._payments.change(recorded.stream_id_text, status=status, refunded_minor=refunded_minor)

    def _open_refund(self, event: e.RefundEvent, recorded: Recorded, **values: str) -> None:
        self._refunds.open(
            event.refund_id,
            payment_id=event.payment_id,
            position=recorded.position,
            amount_minor=event.amount_minor,
            attempt=event.attempt,
            requested_at=event.at,
            **values,
        )

    def _settled(self, event: c.ChargebackLost) -> None:
        for each in event.refunds:
            if each.owed_minor == 0:
                self._refunds.change(each.refund_id, status="settled", failure_code=None)

    def _open(
        self,
        event: e.PaymentRequested | e.OrderRejected,
        recorded: Recorded,
        status: str,
        code: str | None = None,
        *,
        expires_at: datetime | None = None,
    ) -> None:
        self._payments.open(
            recorded.stream_id_text,
            order_id=event.order_id,
            position=recorded.position,
            status=status,
            currency=event.currency,
            amount_minor=event.amount_minor,
            requested_at=event.at,
            last_failure_code=code,
            expires_at=expires_at,
        )

    async def write(self, connection: Any) -> None:
        await self._payments.write(connection)
        await self._refunds.write(connection)
        await self._contests.write(connection)
        # Work that began and ended within the slice is never seen.
        await write(connection, SQL.open_work, [todo for key, todo in self._work.items() if key not in self._done])
        if over := self._done - self._work.keys():
            await connection.execute(SQL.close_work, list(over))
