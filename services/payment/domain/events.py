"""What may stand in the stream of a payment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from libs.ledger import chart
from libs.ledger.decider import Event
from libs.ledger.journal import Postings, transfer
from services.payment.domain.order import Buyer, Line, Rail
from services.payment.domain.spending import Allowance

ORDER_CHANGED: Final = "order_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEvent(Event):
    """Every event names its payment and order, so that each can be announced without looking at any other."""

    payment_id: UUID
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequested(PaymentEvent):
    """An order was accepted: the buyer is to pay this, until `expires_at`. Calls for a payment intent.

    `statement_suffix` is what the buyer's statement shows after the platform's own name; None for nothing. Orders that
    were accepted before there were limits and deadlines have none.
    """

    buyer: Buyer
    currency: str
    rail: Rail
    lines: tuple[Line, ...]
    amount_minor: int
    expires_at: datetime | None = None
    statement_suffix: str | None = None
    allowance: Allowance | None = None


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
    """No answer said whether the intent was created. Calls for asking; the key stays, and so does the content."""

    reason: str
    statement_suffix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentAbandoned(AttemptEvent):
    """The processor answers this key with its own failure, and has no such intent. Calls for the next attempt.

    A new key can do no harm here: an intent moves no money, and nobody has the secret of one that we do not know.
    """

    reason: str
    statement_suffix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentRefused(AttemptEvent):
    """The processor will not take this payment at all; `code` is the processor's."""

    code: str
    reason: str
    allowance: Allowance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPending(PaymentEvent):
    """The buyer has to authenticate, or a bank works on it: that may take days, in which nobody can cancel."""

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
    """The order will not be delivered. Calls for the intent to be canceled, once there is one and no bank works on it.

    Why somebody wanted it is kept, sealed, by the escrow service alone.
    """

    requested_by: str
    intent_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCanceled(PaymentEvent):
    """Nobody can pay any more, and nobody did. `reason` says in our words who gave up: the order, or the processor."""

    reason: str
    allowance: Allowance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentExpired(PaymentEvent):
    """Nobody paid until the deadline, and nobody can any more."""

    allowance: Allowance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundEvent(PaymentEvent):
    """Of a refund. `attempt` is the number in its idempotency key, from 1; it grows when a person tries again."""

    refund_id: UUID
    currency: str
    amount_minor: int
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequested(RefundEvent):
    """Money of this payment has to go back to the buyer. Calls for a refund at the processor."""

    intent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundWithheld(RefundEvent):
    """Money has to go back to the buyer, who has taken it back through the bank, or tries to: nothing is called for.

    It stays owed. After a win a person may have it made, as the attempt after this one; a loss settles it.
    """

    code: str


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
    `processor_id` names the refund that failed, where there ever was one.
    """

    processor_id: str | None = None
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
    PaymentExpired,
    RefundRequested,
    RefundWithheld,
    RefundOutcomeUnknown,
    RefundPending,
    RefundSucceeded,
    RefundFailed,
)
