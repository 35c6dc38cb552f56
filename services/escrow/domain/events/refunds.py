"""Money goes back to the buyer: what is held at once, what was released by way of the seller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

from libs.ledger import chart
from libs.ledger.journal import Postings, entry, transfer
from libs.ledger.personal import FreeText
from services.escrow.domain.events.base import AllocationEvent, HeldEvent

Cause = Literal["refund", "chargeback"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EscrowRefunded(HeldEvent):
    """The order was cancelled: all that was still held for these sellers goes back to the buyer, without commission."""

    schema_version: ClassVar[int] = 2

    refund_id: UUID
    sellers: tuple[str, ...]
    amount_minor: int
    cancelled_by: str
    reason: FreeText

    def postings(self) -> Postings:
        return transfer(self.currency, self.amount_minor, debit=chart.ESCROW_HELD, credit=chart.REFUNDS_PAYABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationRefunded(AllocationEvent):
    """So much of what was held goes back to the buyer; `commission_minor` of it would have been ours."""

    refund_id: UUID
    amount_minor: int
    commission_minor: int
    requested_by: str
    reason: FreeText

    @property
    def net_minor(self) -> int:
        return self.amount_minor - self.commission_minor

    def postings(self) -> Postings:
        return transfer(self.currency, self.amount_minor, debit=chart.ESCROW_HELD, credit=chart.REFUNDS_PAYABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseClawedBack(AllocationEvent):
    """Released money is taken back: amount = commission + reserved + available + receivable, the last three being net.

    For a refund (`refund_id`, asked for by `requested_by`) we owe it to the buyer from now on, but pay only when the
    seller's transfers were reversed (`ClawbackSettled`). For a chargeback the bank has taken it already.
    """

    clawback_id: UUID
    cause: Cause
    cause_id: UUID
    amount_minor: int
    commission_minor: int
    reserved_minor: int
    available_minor: int
    receivable_minor: int
    requested_by: str | None = None
    reason: FreeText | None = None

    @property
    def net_minor(self) -> int:
        return self.amount_minor - self.commission_minor

    @property
    def balance_minor(self) -> int:
        """What we owed the seller and had transferred already, so that it is to be brought back."""
        return self.reserved_minor + self.available_minor

    def postings(self) -> Postings:
        owed = chart.REFUNDS_PAYABLE if self.cause == "refund" else chart.RECEIVABLE_CHARGEBACKS
        return entry(
            self.currency,
            debit={
                chart.seller_reserved(self.seller): self.reserved_minor,
                chart.seller_available(self.seller): self.available_minor,
                chart.receivable_seller(self.seller): self.receivable_minor,
                chart.REVENUE_COMMISSION: self.commission_minor,
            },
            credit={owed: self.amount_minor},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClawbackSettled(AllocationEvent):
    """What could be brought back from the seller is back (`short_minor` is not, and is tried again).

    A refund that waited for it is paid now: `amount_minor`, which is zero where a chargeback has taken its money.
    """

    clawback_id: UUID
    cause: Cause
    cause_id: UUID
    amount_minor: int
    commission_minor: int
    reversed_minor: int
    short_minor: int

    @property
    def net_minor(self) -> int:
        return self.amount_minor - self.commission_minor
