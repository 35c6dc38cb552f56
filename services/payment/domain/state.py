"""What the events of a payment come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal
from uuid import UUID

from libs.ledger.errors import Rejected
from services.payment.domain import events as e
from services.payment.domain.order import Order

Status = Literal[
    "requested",
    "requires_action",
    "processing",
    "failed",
    "captured",
    "partially_refunded",
    "refunded",
    "canceled",
    "rejected",
]
OPEN: Final = frozenset[Status | None]({"requested", "requires_action", "processing", "failed"})
"""The buyer may still pay."""
CAPTURED: Final = frozenset[Status | None]({"captured", "partially_refunded", "refunded"})
"""The buyer has paid."""

RefundStatus = Literal["requested", "unknown", "pending", "succeeded", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    amount_minor: int
    status: RefundStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`status` is None until an order was accepted; what is refused leaves no trace here, so it may come corrected."""

    status: Status | None = None
    order: Order | None = None
    attempt: int = 1
    in_doubt: bool = False
    intent_id: str | None = None
    last_failed_trial: str | None = None
    cancellation: e.CancelRequested | None = None
    refunds: Mapping[UUID, Refund] = field(default_factory=dict)

    def placed(self) -> Order:
        """The order; raises `Rejected` (`unknown_payment`) where none was accepted."""
        if self.order is None:
            raise Rejected("No order was accepted for this payment.", code="unknown_payment")
        return self.order

    def intent(self) -> str:
        """The processor's id of the intent; raises `Rejected` (`no_intent`) where none was recorded."""
        if self.intent_id is None:
            raise Rejected("This payment has no intent at the processor.", code="no_intent")
        return self.intent_id

    def is_creating(self, attempt: int) -> bool:
        """Whether this attempt at creating the intent is the one whose outcome is awaited."""
        return self.status in OPEN and self.intent_id is None and self.attempt == attempt

    def refunds_minor(self, *statuses: RefundStatus) -> int:
        return sum(refund.amount_minor for refund in self.refunds.values() if refund.status in statuses)

    def with_refund(self, event: e.RefundEvent, status: RefundStatus) -> State:
        refund = Refund(amount_minor=event.amount_minor, status=status)
        return replace(self, refunds={**self.refunds, event.refund_id: refund})


def evolve(state: State, event: e.PaymentEvent) -> State:  # noqa: C901, PLR0911, PLR0912 - one case an event
    match event:
        case e.PaymentRequested():
            order = Order(
                order_id=event.order_id,
                buyer=event.buyer,
                currency=event.currency,
                rail=event.rail,
                lines=event.lines,
            )
            return replace(state, status="requested", order=order)
        case e.IntentCreated(intent_id=intent_id):
            return replace(state, intent_id=intent_id, in_doubt=False)
        case e.IntentOutcomeUnknown():
            return replace(state, in_doubt=True)
        case e.IntentAbandoned(attempt=attempt):
            return replace(state, attempt=attempt + 1, in_doubt=False)
        case e.IntentRefused():
            return replace(state, status="rejected")
        case e.PaymentPending(status=status):
            return replace(state, status=status)
        case e.PaymentFailed(trial=trial):
            return replace(state, status="failed", last_failed_trial=trial)
        case e.PaymentCaptured():
            return replace(state, status="captured")
        case e.CancelRequested():
            return replace(state, cancellation=event)
        case e.PaymentCanceled():
            return replace(state, status="canceled")
        case e.RefundRequested():
            return state.with_refund(event, "requested")
        case e.RefundOutcomeUnknown():
            return state.with_refund(event, "unknown")
        case e.RefundPending():
            return state.with_refund(event, "pending")
        case e.RefundSucceeded(status=status):
            return replace(state.with_refund(event, "succeeded"), status=status)
        case e.RefundFailed(status=status):
            return replace(state.with_refund(event, "failed"), status=status)
        case _:  # OrderRejected
            return state
