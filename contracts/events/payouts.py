"""What the payout scheduler announces about the sellers' side."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime

from contracts.events.base import Amount, AmountOrZero, CurrencyCode, Message, OrderId, Party


class TransferSettled(Message):
    """A release reached the seller's balance at the processor."""

    type: ClassVar[str] = "transfer.settled.v1"

    transfer_id: UUID
    release_id: UUID
    order_id: OrderId
    seller: Party
    currency: CurrencyCode
    amount_minor: Amount
    settled_at: AwareDatetime

    @property
    def subject(self) -> str:
        return self.order_id


class TransferNetted(Message):
    """A seller's debt was paid out of a release; only the rest of that is transferred."""

    type: ClassVar[str] = "transfer.netted.v1"

    transfer_id: UUID
    release_id: UUID
    order_id: OrderId
    seller: Party
    currency: CurrencyCode
    amount_minor: Amount
    netted_at: AwareDatetime

    @property
    def subject(self) -> str:
        return self.order_id


class TransferReversed(Message):
    """What a claw-back could bring back from the seller's balance at the processor is back; told once for each.

    `short_minor` could not be brought back for now, and is tried again; whoever waits need not wait for it.
    """

    type: ClassVar[str] = "transfer.reversed.v1"

    clawback_id: UUID
    escrow_id: UUID
    allocation_id: UUID
    order_id: OrderId
    seller: Party
    currency: CurrencyCode
    amount_minor: AmountOrZero
    short_minor: AmountOrZero
    reversed_at: AwareDatetime

    @property
    def subject(self) -> str:
        return self.order_id


class _PayoutMessage(Message):
    payout_id: UUID
    seller: Party
    currency: CurrencyCode
    amount_minor: Amount

    @property
    def subject(self) -> str:
        return str(self.payout_id)


class PayoutScheduled(_PayoutMessage):
    """The seller's money is claimed for a payout."""

    type: ClassVar[str] = "payout.scheduled.v1"

    scheduled_at: AwareDatetime


class PayoutSubmitted(_PayoutMessage):
    """The processor accepted the payout and is on its way to the bank with it."""

    type: ClassVar[str] = "payout.submitted.v1"

    submitted_at: AwareDatetime


class PayoutPaid(_PayoutMessage):
    """The money left for the seller's bank account. A bank may still bounce it: `payout.returned`."""

    type: ClassVar[str] = "payout.paid.v1"

    paid_at: AwareDatetime


class PayoutReturned(_PayoutMessage):
    """The bank sent the money back after it had counted as paid; it is in the seller's balance again."""

    type: ClassVar[str] = "payout.returned.v1"

    code: str
    returned_at: AwareDatetime


class PayoutFailed(_PayoutMessage):
    """The money is back in the seller's balance. `retry_at` is None when the tries are used up: a person must act."""

    type: ClassVar[str] = "payout.failed.v1"

    code: str
    failed_at: AwareDatetime
    retry_at: AwareDatetime | None
