"""What the escrow service announces: one allocation per seller, each held, then released or refunded."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.events.base import Amount, AmountOrZero, CurrencyCode, Message, OrderId, Part, Party
from contracts.events.orders import Confirmation

ReleaseType = Literal["task_completion", "manual_release", "dispute_resolution", "auto_release"]


class Allocation(Part):
    """One seller's part of an escrow. The commission's terms were frozen when the escrow opened."""

    allocation_id: UUID
    seller: Party
    gross_minor: Amount
    commission_minor: AmountOrZero


class Release(Part):
    """Money that became a seller's: gross = net + commission."""

    release_id: UUID
    allocation_id: UUID
    seller: Party
    gross_minor: Amount
    commission_minor: AmountOrZero
    net_minor: AmountOrZero


class _EscrowMessage(Message):
    escrow_id: UUID
    payment_id: UUID
    order_id: OrderId
    currency: CurrencyCode

    @property
    def subject(self) -> str:
        return self.order_id


class EscrowHeld(_EscrowMessage):
    """The buyer's money is held for the sellers."""

    type: ClassVar[str] = "escrow.held.v1"

    amount_minor: Amount
    allocations: tuple[Allocation, ...]
    held_at: AwareDatetime
    deliver_by: AwareDatetime
    hold_until_max: AwareDatetime


class EscrowDeliveryConfirmed(_EscrowMessage):
    """Delivery is confirmed for these sellers; released at `release_at` unless somebody objects."""

    type: ClassVar[str] = "escrow.delivery_confirmed.v1"

    sellers: tuple[Party, ...]
    confirmation: Confirmation
    confirmed_by: str
    confirmed_at: AwareDatetime
    release_at: AwareDatetime


class _EscrowRelease(_EscrowMessage):
    release: Release
    release_type: ReleaseType
    charge: str
    released_at: AwareDatetime


class EscrowPartiallyReleased(_EscrowRelease):
    """One allocation was released, others are still open."""

    type: ClassVar[str] = "escrow.partially_released.v1"


class EscrowReleased(_EscrowRelease):
    """The last open allocation was released."""

    type: ClassVar[str] = "escrow.released.v1"


class EscrowRefunded(_EscrowMessage):
    """Held money goes back to the buyer; `payment.refunded` follows when the processor has paid it."""

    type: ClassVar[str] = "escrow.refunded.v1"

    refund_id: UUID
    amount_minor: Amount
    reason: str
    refunded_at: AwareDatetime


class EscrowDisputed(_EscrowMessage):
    """These sellers' allocations are frozen."""

    type: ClassVar[str] = "escrow.disputed.v1"

    sellers: tuple[Party, ...]
    opened_by: str
    reason: str
    disputed_at: AwareDatetime
