"""What may stand in the stream of a payment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from libs.ledger import chart
from libs.ledger.decider import Event
from libs.ledger.journal import Postings, transfer
from services.payment.domain.order import Buyer, Line, Rail

ORDER_CHANGED: Final = "order_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEvent(Event):
    """Every event names its payment and order, so that each can be announced without looking at any other."""

    payment_id: UUID
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequested(PaymentEvent):
    """An order was accepted: the buyer is to pay this. Calls for a payment intent."""

    buyer: Buyer
    currency: str
    rail: Rail
    lines: tuple[Line, ...]
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRejected(PaymentEvent):
    """An order was refused. With code `ORDER_CHANGED` there is a payment, which stays as it is; else there is none."""

    currency: str
    amount_minor: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEvent(PaymentEvent):
    """Of an attempt at creating the intent. `attempt` is the number in its idempotency key, from 1."""

    currency: str
    amount_minor: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentCreated(AttemptEvent):
    """The processor has an intent for this payment; the buyer can pay it."""

    intent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentOutcomeUnknown(AttemptEvent):
    """No answer said whether the intent was created. Calls for asking; the key stays."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentAbandoned(AttemptEvent):
    """The processor answers this key with its own failure, and has no such intent. Calls for the next attempt.

    A new key can do no harm here: an intent moves no money, and nobody has the secret of one that we do not know.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentRefused(AttemptEvent):
    """The processor will not take this payment at all; `code` is the processor's."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPending(PaymentEvent):
    """The buyer has to authenticate, or the processor works on it."""

    status: Literal["requires_action", "processing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed(PaymentEvent):
    """One try of the buyer was declined; the intent waits for the next. `trial` is the processor's id of that try."""

    code: str
    trial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCaptured(PaymentEvent):
    """The buyer's money is with us, at the processor, and belongs to no escrow yet."""

    buyer: Buyer
    currency: str
    lines: tuple[Line, ...]
    amount_minor: int
    charge: str

    def postings(self) -> Postings:
        return transfer(self.currency, self.amount_minor, debit=chart.STRIPE_PLATFORM, credit=chart.FUNDS_UNALLOCATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested(PaymentEvent):
    """The order will not be delivered. Calls for the intent to be canceled, once there is one.

    Why somebody wanted it is kept, sealed, by the escrow service alone.
    """

    requested_by: str
    intent_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCanceled(PaymentEvent):
    """Nobody can pay any more, and nobody did. `reason` says in our words who gave up: the order, or the processor."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundEvent(PaymentEvent):
    refund_id: UUID
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequested(RefundEvent):
    """Money of this payment has to go back to the buyer. Calls for a refund at the processor."""

    intent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOutcomeUnknown(RefundEvent):
    """No answer said whether the refund was made. The idempotency key stays."""

    intent_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPending(RefundEvent):
    """The processor accepted the refund and has not paid it yet."""

    processor_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSucceeded(RefundEvent):
    """The money is on its way to the buyer's card. `refunded_minor` is the sum of this payment's refunds so far."""

    processor_id: str
    refunded_minor: int
    status: Literal["partially_refunded", "refunded"]

    def postings(self) -> Postings:
        return transfer(self.currency, self.amount_minor, debit=chart.REFUNDS_PAYABLE, credit=chart.STRIPE_PLATFORM)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFailed(RefundEvent):
    """The buyer cannot be refunded this way; a person must find another.

    `returned`: the refund had succeeded, and the buyer's bank sent it back, which Stripe allows for weeks afterwards.
    """

    code: str
    returned: bool
    refunded_minor: int
    status: Literal["captured", "partially_refunded"]

    def postings(self) -> Postings:
        if not self.returned:
            return ()
        return transfer(self.currency, self.amount_minor, debit=chart.STRIPE_PLATFORM, credit=chart.REFUNDS_PAYABLE)


EVENTS: Final[tuple[type[PaymentEvent], ...]] = (
    PaymentRequested,
    OrderRejected,
    IntentCreated,
    IntentOutcomeUnknown,
    IntentAbandoned,
    IntentRefused,
    PaymentPending,
    PaymentFailed,
    PaymentCaptured,
    CancelRequested,
    PaymentCanceled,
    RefundRequested,
    RefundOutcomeUnknown,
    RefundPending,
    RefundSucceeded,
    RefundFailed,
)
