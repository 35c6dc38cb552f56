"""Money comes, waits for the delivery, and becomes the sellers'."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from libs.ledger import chart
from libs.ledger.journal import Postings, entry, transfer
from libs.ledger.personal import FreeText
from services.escrow.domain.allocation import Allocation, CommissionTerms
from services.escrow.domain.events.base import AllocationEvent, HeldEvent
from services.escrow.domain.facts import Confirmation

ReleaseType = Literal["task_completion", "manual_release", "dispute_resolution", "auto_release"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FundsHeld(HeldEvent):
    """The buyer's money is held for the sellers, on terms that no later change of settings touches.

    `charge` is the processor's id of the buyer's payment. After `deliver_by` a delivery that nobody confirmed counts
    as confirmed; at `hold_until_max` the rail's legal limit is reached.
    """

    amount_minor: int
    charge: str
    allocations: tuple[Allocation, ...]
    commission: CommissionTerms
    inspection_days: int
    deliver_by: datetime
    hold_until_max: datetime

    def postings(self) -> Postings:
        return transfer(self.currency, self.amount_minor, debit=chart.FUNDS_UNALLOCATED, credit=chart.ESCROW_HELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryConfirmed(HeldEvent):
    """These sellers delivered; unless somebody objects, their money is released at `release_at`.

    A second one for the same seller follows only when it tells of an earlier delivery.
    """

    schema_version: ClassVar[int] = 2

    sellers: tuple[str, ...]
    confirmation: Confirmation
    confirmed_by: str
    proof: FreeText | None
    release_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeOpened(HeldEvent):
    """These sellers' allocations are frozen."""

    schema_version: ClassVar[int] = 2

    sellers: tuple[str, ...]
    opened_by: str
    reason: FreeText


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationReleased(AllocationEvent):
    """An allocation, or a part of it, is the seller's, less the commission by the frozen terms.

    Who asked for it and why is known of a release by hand.
    """

    release_id: UUID
    gross_minor: int
    commission_minor: int
    release_type: ReleaseType
    charge: str
    requested_by: str | None = None
    reason: FreeText | None = None

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.commission_minor

    def postings(self) -> Postings:
        return entry(
            self.currency,
            debit={chart.ESCROW_HELD: self.gross_minor},
            credit={
                chart.seller_available(self.seller): self.net_minor,
                chart.REVENUE_COMMISSION: self.commission_minor,
            },
        )
