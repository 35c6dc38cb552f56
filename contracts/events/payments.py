"""What the payment service announces about the buyer's side of an order."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime

from contracts.events.base import Amount, CurrencyCode, Message, OrderId
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
