"""Which of our events are about which line of the platform's balance."""

from __future__ import annotations

from typing import Final

from libs.ledger import chart
from libs.ledger.decider import Event
from libs.ledger.reconciled import reconciliation
from libs.ledger.reconciliation import Effect
from services.payment.domain import chargeback_events as c
from services.payment.domain import events as e
from services.payment.domain.fees import ProcessorFeeCharged

RECONCILIATION: Final = reconciliation("reconciliation")
BOOKING: Final[tuple[type[Event], ...]] = (
    e.PaymentCaptured,
    e.RefundPending,
    e.RefundSucceeded,
    e.RefundFailed,
    c.ChargebackOpened,
    c.ChargebackWon,
    c.ChargebackLost,
    ProcessorFeeCharged,
)
"""The events that book at the processor, or tell how an object there stands."""


def effect(event: Event) -> Effect | None:
    match event:
        case e.PaymentCaptured(charge=charge, order_id=order_id):
            return _on_platform(charge, event.currency, order_id)
        case e.RefundPending(processor_id=refund, order_id=order_id):
            return _on_platform(refund, event.currency, order_id, pending_minor=-event.amount_minor)
        case e.RefundSucceeded(processor_id=str(refund)) | e.RefundFailed(processor_id=str(refund)):
            return _on_platform(refund, event.currency, event.order_id)
        case c.ChargebackOpened() | c.ChargebackWon() | c.ChargebackLost():
            return _on_platform(event.dispute_id, event.currency, event.order_id)
        case ProcessorFeeCharged(balance_transaction=line):
            return _on_platform(line, event.currency, event.order_id)
        case _:  # a refund that failed before the processor had one
            return None


def _on_platform(source: str, currency: str, about: str | None, *, pending_minor: int = 0) -> Effect:
    return Effect(sources={chart.STRIPE_PLATFORM: source}, currency=currency, pending_minor=pending_minor, about=about)
