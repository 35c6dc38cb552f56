"""Stored event -> public message, or nothing."""

from __future__ import annotations

from contracts.events import orders, payments
from contracts.events.base import Message
from libs.ledger.decider import Event
from services.payment.domain import events as e
from services.payment.domain.order import Buyer, Line


def announce(event: Event) -> Message | None:  # noqa: PLR0911 - one case an event
    match event:
        case e.PaymentRequested():
            return payments.PaymentRequested(
                payment_id=event.payment_id,
                order_id=event.order_id,
                currency=event.currency,
                amount_minor=event.amount_minor,
                requested_at=event.at,
            )
        case e.OrderRejected() | e.IntentRefused():
            return payments.PaymentRejected(
                payment_id=event.payment_id,
                order_id=event.order_id,
                code=event.code,
                reason=event.reason,
                rejected_at=event.at,
            )
        case e.PaymentCaptured():
            return payments.PaymentCaptured(
                payment_id=event.payment_id,
                order_id=event.order_id,
                buyer=_buyer(event.buyer),
                currency=event.currency,
                amount_minor=event.amount_minor,
                lines=tuple(map(_line, event.lines)),
                charge=event.charge,
                captured_at=event.at,
            )
        case e.PaymentFailed():
            return payments.PaymentFailed(
                payment_id=event.payment_id, order_id=event.order_id, code=event.code, failed_at=event.at
            )
        case e.PaymentCanceled():
            return payments.PaymentCanceled(
                payment_id=event.payment_id, order_id=event.order_id, reason=event.reason, canceled_at=event.at
            )
        case e.RefundSucceeded():
            return payments.PaymentRefunded(
                payment_id=event.payment_id,
                order_id=event.order_id,
                refund_id=event.refund_id,
                currency=event.currency,
                amount_minor=event.amount_minor,
                refunded_at=event.at,
            )
        case _:
            return None


def _buyer(buyer: Buyer) -> orders.Buyer:
    return orders.Buyer(id=buyer.id, country=buyer.country)


def _line(line: Line) -> orders.OrderLine:
    return orders.OrderLine(
        seller=line.seller,
        category=line.category,
        amount_minor=line.amount_minor,
        shipping_minor=line.shipping_minor,
    )
