"""What the payment service announces about the buyer's side of an order."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.events.base import Amount, AmountOrZero, CurrencyCode, Message, OrderId
from contracts.events.orders import Buyer, OrderLine


class _PaymentMessage(Message):
    payment_id: UUID
    order_id: OrderId

    @property
    def subject(self) -> str:
        return self.order_id


class PaymentRequested(_PaymentMessage):
    """The order was accepted; the buyer can pay. Ask `GET /payments/{id}` for the client secret."""

    type: ClassVar[str] = "payment.requested.v1"

    currency: CurrencyCode
    amount_minor: Amount
    requested_at: AwareDatetime


class PaymentRejected(_PaymentMessage):
    """An order message was refused: over a limit, in an unknown currency, or it changes an order placed before."""

    type: ClassVar[str] = "payment.rejected.v1"

    code: str
    reason: str
    rejected_at: AwareDatetime


class PaymentCaptured(_PaymentMessage):
    """The buyer's money is with us. `charge` is the processor's id of it, which transfers to sellers refer to."""

    type: ClassVar[str] = "payment.captured.v1"

    buyer: Buyer
    currency: CurrencyCode
    amount_minor: Amount
    lines: tuple[OrderLine, ...]
    charge: str
    captured_at: AwareDatetime


class PaymentFailed(_PaymentMessage):
    """An attempt to pay was declined. The buyer may try again until the payment is canceled."""

    type: ClassVar[str] = "payment.failed.v1"

    code: str
    """The processor's code, such as `card_declined` or `insufficient_funds`."""
    failed_at: AwareDatetime


class PaymentCanceled(_PaymentMessage):
    """The payment was given up before any money came."""

    type: ClassVar[str] = "payment.canceled.v1"

    reason: str
    canceled_at: AwareDatetime


class PaymentRefunded(_PaymentMessage):
    """Money went back to the buyer."""

    type: ClassVar[str] = "payment.refunded.v1"

    refund_id: UUID
    currency: CurrencyCode
    amount_minor: Amount
    refunded_at: AwareDatetime


class PaymentExpired(_PaymentMessage):
    """Nobody paid in time, and nobody can any more."""

    type: ClassVar[str] = "payment.expired.v1"

    expired_at: AwareDatetime


class PaymentRefundFailed(_PaymentMessage):
    """The buyer could not be refunded this way. We still owe the money; a person must try again or find another way.

    `returned`: the refund had succeeded, `payment.refunded` was announced, and the buyer's bank sent it back.
    """

    type: ClassVar[str] = "payment.refund_failed.v1"

    refund_id: UUID
    currency: CurrencyCode
    amount_minor: Amount
    code: str
    returned: bool
    failed_at: AwareDatetime


class PaymentChargedBack(_PaymentMessage):
    """The buyer contests the payment at their bank. An inquiry takes no money yet, a chargeback has taken it already.

    An inquiry may become a chargeback, of the same id. `reason` is the processor's code, such as `fraudulent`;
    evidence counts until `respond_by`.
    """

    type: ClassVar[str] = "payment.charged_back.v1"

    chargeback_id: UUID
    stage: Literal["inquiry", "chargeback"]
    currency: CurrencyCode
    amount_minor: Amount
    reason: str
    respond_by: AwareDatetime | None
    opened_at: AwareDatetime


class PaymentChargebackClosed(_PaymentMessage):
    """The bank decided. Won: the money is back. Lost: it stays gone. Withdrawn: an inquiry ended and took none.

    `to_cover_minor` is what others must bear of a lost one: its amount, less what we owed the buyer in refunds that
    the chargeback has settled now.
    """

    type: ClassVar[str] = "payment.chargeback_closed.v1"

    chargeback_id: UUID
    outcome: Literal["won", "lost", "withdrawn"]
    currency: CurrencyCode
    amount_minor: Amount
    to_cover_minor: AmountOrZero
    closed_at: AwareDatetime


class PaymentFraudWarned(_PaymentMessage):
    """The card's issuer suspects fraud (an early fraud warning); a chargeback may follow. No money moved."""

    type: ClassVar[str] = "payment.fraud_warned.v1"

    warning_id: str
    """The processor's id of the warning."""
    warned_at: AwareDatetime
