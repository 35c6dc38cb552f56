"""Words that the tests of the payment's domain share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from services.payment.domain import PAYMENT
from services.payment.domain import events as e
from services.payment.domain.order import Buyer, Limits, Line, Order, payment_id_of
from services.payment.domain.payment import CancelOrder, PaymentCommand, RecordIntent
from services.payment.domain.placing import PlaceOrder
from services.payment.domain.refunds import RecordRefund, RequestRefund
from services.payment.domain.report import Capture, IntentReport, RefundReport, Trial

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
PAYMENT_ID = payment_id_of(1, "A-1")
ORDER = Order(
    order_id="A-1",
    buyer=Buyer(id="b1", country="DE"),
    currency="EUR",
    rail="card",
    lines=(
        Line(seller="s1", category="books", amount_minor=2_000, shipping_minor=300),
        Line(seller="s2", category="toys", amount_minor=1_700),
    ),
)
LIMITS = Limits(amount_min_minor=500, amount_max_minor=1_000_000)
NAMES: dict[str, Any] = {"at": NOON, "payment_id": PAYMENT_ID, "order_id": "A-1"}
MONEY: dict[str, Any] = {"currency": "EUR", "amount_minor": 4_000}

PLACE = PlaceOrder(at=NOON, payment_id=PAYMENT_ID, order=ORDER, limits=LIMITS)
CANCEL = CancelOrder(at=NOON, payment_id=PAYMENT_ID, order_id="A-1", requested_by="b1")

REQUESTED = e.PaymentRequested(**NAMES, **MONEY, buyer=ORDER.buyer, rail="card", lines=ORDER.lines)
INTENT = e.IntentCreated(**NAMES, **MONEY, attempt=1, intent_id="pi_1")
FAILED = e.PaymentFailed(**NAMES, code="card_declined", trial="ch_0")
CAPTURED = e.PaymentCaptured(**NAMES, **MONEY, buyer=ORDER.buyer, lines=ORDER.lines, charge="ch_1")
CANCEL_REQUESTED = e.CancelRequested(**NAMES, requested_by="b1", intent_id="pi_1")
CANCEL_NOTED = replace(CANCEL_REQUESTED, intent_id=None)
CANCELED = e.PaymentCanceled(**NAMES, reason="order cancelled")
EXPIRED = e.PaymentExpired(**NAMES)
PROCESSING = e.PaymentPending(**NAMES, status="processing")

WAITING = IntentReport(intent_id="pi_1", created_at=NOON, status="waiting")
SUCCEEDED = replace(WAITING, status="succeeded", captured=Capture(charge="ch_1", amount_minor=4_000, at=LATER))
DECLINED = replace(WAITING, declined=Trial(id="ch_0", code="card_declined", at=LATER))


def record(report: IntentReport) -> RecordIntent:
    return RecordIntent(at=NOON, payment_id=PAYMENT_ID, report=report)


def refund_id(number: int = 1) -> UUID:
    return uuid5(PAYMENT_ID, f"refund/{number}")


def request_refund(amount_minor: int, number: int = 1) -> RequestRefund:
    return RequestRefund(at=NOON, payment_id=PAYMENT_ID, refund_id=refund_id(number), amount_minor=amount_minor)


def record_refund(status: Any, number: int = 1, code: str | None = None) -> RecordRefund:
    report = RefundReport(processor_id=f"re_{number}", created_at=NOON, status=status, code=code)
    return RecordRefund(at=NOON, payment_id=PAYMENT_ID, refund_id=refund_id(number), report=report)


def after(past: Sequence[e.PaymentEvent], *commands: PaymentCommand) -> list[e.PaymentEvent]:
    """What commands, one after another, add to a past."""
    events = list(past)
    for command in commands:
        events += PAYMENT.decide(command, PAYMENT.fold(events))
    return events[len(past) :]
