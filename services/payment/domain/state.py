"""What the events of a payment come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal
from uuid import UUID

from libs.ledger.errors import Rejected
from services.payment.domain import chargeback_events as c
from services.payment.domain import events as e
from services.payment.domain.chargeback_state import Chargebacks, evolved
from services.payment.domain.order import Order
from services.payment.domain.spending import Allowance

Status = Literal[
    "requested",
    "requires_action",
    "processing",
    "failed",
    "captured",
    "partially_refunded",
    "refunded",
    "canceled",
    "expired",
    "rejected",
]
OPEN: Final = frozenset[Status | None]({"requested", "requires_action", "processing", "failed"})
"""The buyer may still pay."""
CAPTURED: Final = frozenset[Status | None]({"captured", "partially_refunded", "refunded"})
"""The buyer has paid."""

RefundStatus = Literal["requested", "unknown", "pending", "succeeded", "failed", "settled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """`processor_id` is the processor's id of the present attempt, `spent` are those of attempts that failed.

    `settled_minor` of it the buyer has by a lost chargeback; a refund that is settled as a whole has that status.
    """

    amount_minor: int
    status: RefundStatus
    attempt: int = 1
    code: str | None = None
    processor_id: str | None = None
    spent: frozenset[str] = frozenset()
    settled_minor: int = 0

    @property
    def owed_minor(self) -> int:
        """What did not reach the buyer, and nobody is about to send."""
        return self.amount_minor - self.settled_minor if self.status == "failed" else 0


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
    statement_suffix: str | None = None
    allowance: Allowance | None = None
    refunds: Mapping[UUID, Refund] = field(default_factory=dict)
    chargebacks: Chargebacks = field(default_factory=dict)
    fraud_warnings: frozenset[str] = frozenset()

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

    @property
    def disputed(self) -> bool:
        """Whether the buyer has money of this payment back through the bank, or may still get it."""
        return any(chargeback.bars_refunds for chargeback in self.chargebacks.values())

    def with_refund(
        self, event: e.RefundEvent, status: RefundStatus, *, processor_id: str | None = None, code: str | None = None
    ) -> State:
        before = self.refunds.get(event.refund_id) or Refund(amount_minor=event.amount_minor, status=status)
        here = processor_id or before.processor_id
        refund = replace(
            before,
            amount_minor=event.amount_minor,
            status=status,
            attempt=event.attempt,
            code=code,
            processor_id=None if status == "failed" else here,
            spent=before.spent | {here} if status == "failed" and here else before.spent,
        )
        return replace(self, refunds={**self.refunds, event.refund_id: refund})

    def with_settled(self, settled: c.SettledRefund) -> State:
        refund = self.refunds[settled.refund_id]
        settled_minor = refund.settled_minor + settled.amount_minor
        status: RefundStatus = refund.status if settled.owed_minor else "settled"
        refund = replace(refund, settled_minor=settled_minor, status=status)
        return replace(self, refunds={**self.refunds, settled.refund_id: refund})


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
            return replace(
                state,
                status="requested",
                order=order,
                statement_suffix=event.statement_suffix,
                allowance=event.allowance,
            )
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
        case e.PaymentExpired():
            return replace(state, status="expired")
        case e.RefundEvent():
            return _refund(state, event)
        case c.ChargebackEvent():
            return _chargeback(state, event)
        case c.FraudWarned(warning_id=warning_id):
            return replace(state, fraud_warnings=state.fraud_warnings | {warning_id})
        case _:  # OrderRejected
            return state


def _refund(state: State, event: e.RefundEvent) -> State:
    match event:
        case e.RefundWithheld(code=code):
            return state.with_refund(event, "failed", code=code)
        case e.RefundOutcomeUnknown():
            return state.with_refund(event, "unknown")
        case e.RefundPending(processor_id=processor_id):
            return state.with_refund(event, "pending", processor_id=processor_id)
        case e.RefundSucceeded(status=status, processor_id=processor_id):
            return replace(state.with_refund(event, "succeeded", processor_id=processor_id), status=status)
        case e.RefundFailed(status=status, processor_id=processor_id, code=code):
            return replace(state.with_refund(event, "failed", processor_id=processor_id, code=code), status=status)
        case _:  # RefundRequested
            return state.with_refund(event, "requested")


def _chargeback(state: State, event: c.ChargebackEvent) -> State:
    state = replace(state, chargebacks=evolved(state.chargebacks, event))
    for settled in event.refunds if isinstance(event, c.ChargebackLost) else ():
        state = state.with_settled(settled)
    return state
