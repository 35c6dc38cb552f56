"""What may stand in the stream of an escrow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Literal
from uuid import UUID

from libs.ledger import chart
from libs.ledger.decider import Event
from libs.ledger.journal import Postings, entry, transfer
from libs.ledger.personal import FreeText
from services.escrow.domain.allocation import Allocation, CommissionTerms
from services.escrow.domain.facts import Confirmation, Fact

Status = Literal["HELD", "PENDING_RELEASE", "PARTIALLY_RELEASED", "RELEASED", "REFUNDED", "DISPUTED"]
ReleaseType = Literal["task_completion", "manual_release", "dispute_resolution", "auto_release"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EscrowEvent(Event):
    """Every event names its escrow and order, so that each can be announced without looking at any other."""

    escrow_id: UUID
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactNoted(EscrowEvent):
    """Something was heard of an order whose money is not here yet. It takes effect when the money is held."""

    schema_version: ClassVar[int] = 2

    fact: Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRefused(EscrowEvent):
    """A noted fact turned out to be impossible when the money was held; `code` is that of the refusal."""

    schema_version: ClassVar[int] = 2

    fact: Fact
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEvent(EscrowEvent):
    """Of an escrow that holds money, or did. `status` is the escrow's after this event; the decider fills it in."""

    payment_id: UUID
    currency: str
    status: Status = "HELD"


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
class AllocationReleased(HeldEvent):
    """A seller's allocation is the seller's, less the commission frozen for it."""

    release_id: UUID
    allocation_id: UUID
    seller: str
    gross_minor: int
    commission_minor: int
    release_type: ReleaseType
    charge: str

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


@dataclass(frozen=True, slots=True, kw_only=True)
class EscrowRefunded(HeldEvent):
    """What was still held for these sellers goes back to the buyer, whole and without commission."""

    schema_version: ClassVar[int] = 2

    refund_id: UUID
    sellers: tuple[str, ...]
    amount_minor: int
    cancelled_by: str
    reason: FreeText

    def postings(self) -> Postings:
        return transfer(self.currency, self.amount_minor, debit=chart.ESCROW_HELD, credit=chart.REFUNDS_PAYABLE)


EVENTS: Final[tuple[type[EscrowEvent], ...]] = (
    FactNoted,
    FactRefused,
    FundsHeld,
    DeliveryConfirmed,
    DisputeOpened,
    AllocationReleased,
    EscrowRefunded,
)
