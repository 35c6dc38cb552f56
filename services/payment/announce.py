"""Stored event -> public message, or nothing."""

from __future__ import annotations

from typing import Literal

from contracts.events import orders, payments
from contracts.events.base import Message
from libs.ledger.decider import Event
from services.payment.domain import chargeback_events as c
from services.payment.domain import events as e
from services.payment.domain.order import Buyer, Line


def announce(event: Event) -> Message | None:  # noqa: C901, PLR0911 - one case an event
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
        case e.PaymentExpired():
            return payments.PaymentExpired(payment_id=event.payment_id, order_id=event.order_id, expired_at=event.at)
        case e.RefundSucceeded():
            return payments.PaymentRefunded(
                payment_id=event.payment_id,
                order_id=event.order_id,
                refund_id=event.refund_id,
                currency=event.currency,
                amount_minor=event.amount_minor,
                refunded_at=event.at,
            )
        case e.RefundFailed() | e.RefundWithheld():
            return payments.PaymentRefundFailed(
                payment_id=event.payment_id,
                order_id=event.order_id,
                refund_id=event.refund_id,
                currency=event.currency,
                amount_minor=event.amount_minor,
                code=event.code,
                returned=isinstance(event, e.RefundFailed) and event.returned,
                failed_at=event.at,
            )
        case c.ContestedEvent():
            return _charged_back(event)
        case c.InquiryClosed() | c.ChargebackWon() | c.ChargebackLost():
            return _chargeback_closed(event)
        case c.FraudWarned():
            return payments.PaymentFraudWarned(
                payment_id=event.payment_id, order_id=event.order_id, warning_id=event.warning_id, warned_at=event.at
            )
        case _:
            return None


def _charged_back(event: c.ContestedEvent) -> Message:
    return payments.PaymentChargedBack(
        payment_id=event.payment_id,
        order_id=event.order_id,
        chargeback_id=event.chargeback_id,
        stage="chargeback" if isinstance(event, c.ChargebackOpened) else "inquiry",
        currency=event.currency,
        amount_minor=event.amount_minor,
        reason=event.reason,
        respond_by=event.respond_by,
        opened_at=event.at,
    )


def _chargeback_closed(event: c.InquiryClosed | c.ChargebackWon | c.ChargebackLost) -> Message:
    outcome: Literal["won", "lost", "withdrawn"] = "won" if isinstance(event, c.ChargebackWon) else "withdrawn"
    return payments.PaymentChargebackClosed(
        payment_id=event.payment_id,
        order_id=event.order_id,
        chargeback_id=event.chargeback_id,
        outcome="lost" if isinstance(event, c.ChargebackLost) else outcome,
        currency=event.currency,
        amount_minor=event.amount_minor,
        to_cover_minor=event.to_cover_minor if isinstance(event, c.ChargebackLost) else 0,
        closed_at=event.at,
    )


def _buyer(buyer: Buyer) -> orders.Buyer:
    return orders.Buyer(id=buyer.id, country=buyer.country)


def _line(line: Line) -> orders.OrderLine:
    return orders.OrderLine(
        seller=line.seller,
        category=line.category,
        amount_minor=line.amount_minor,
        shipping_minor=line.shipping_minor,
    )
