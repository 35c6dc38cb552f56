"""What the escrow service announces: one allocation per seller, each held, then released or refunded."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.events.base import Amount, AmountOrZero, CurrencyCode, Message, OrderId, Part, Party
from contracts.events.orders import Confirmation

ReleaseType = Literal["task_completion", "manual_release", "dispute_resolution", "auto_release"]
FreezeCause = Literal["inquiry", "chargeback", "fraud_warning"]


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
    """An allocation was released, or a part of it; something is still open."""

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


class EscrowAllocationRefunded(_EscrowMessage):
    """Money of one allocation goes back to the buyer, all of it or a part; `payment.refunded` follows.

    amount = net + commission: what the seller gets less, and the commission that the frozen terms give up with it.
    `after_release`: the seller had it already and gave it back, see `escrow.clawed_back`.
    """

    type: ClassVar[str] = "escrow.allocation_refunded.v1"

    refund_id: UUID
    allocation_id: UUID
    seller: Party
    amount_minor: Amount
    commission_minor: AmountOrZero
    net_minor: AmountOrZero
    after_release: bool
    reason: str
    refunded_at: AwareDatetime


class EscrowClawedBack(_EscrowMessage):
    """Released money is taken back from its seller: net = balance + receivable.

    `balance_minor` came out of what we owed the seller and is still theirs at the processor, from where it is to be
    brought back; `receivable_minor` they owe us now, and later releases pay for it.
    """

    type: ClassVar[str] = "escrow.clawed_back.v1"

    clawback_id: UUID
    allocation_id: UUID
    seller: Party
    cause: Literal["refund", "chargeback"]
    net_minor: Amount
    balance_minor: AmountOrZero
    receivable_minor: AmountOrZero
    clawed_back_at: AwareDatetime


class EscrowChargebackCovered(_EscrowMessage):
    """One allocation pays its part of a lost chargeback. `held_net_minor` is what its seller will not get any more of
    the money that was still held; what was released already is told by `escrow.clawed_back`.
    """

    type: ClassVar[str] = "escrow.chargeback_covered.v1"

    chargeback_id: UUID
    allocation_id: UUID
    seller: Party
    amount_minor: Amount
    held_net_minor: AmountOrZero
    covered_at: AwareDatetime


class _EscrowFreeze(_EscrowMessage):
    cause: FreezeCause
    cause_id: str
    """Of the chargeback, or of the processor's warning."""
    sellers: tuple[Party, ...]


class EscrowFrozen(_EscrowFreeze):
    """Nothing of these sellers' allocations is released or refunded until the cause is gone."""

    type: ClassVar[str] = "escrow.frozen.v1"

    frozen_at: AwareDatetime


class EscrowUnfrozen(_EscrowFreeze):
    """The cause is gone: timers count again, unless something else freezes the allocations too."""

    type: ClassVar[str] = "escrow.unfrozen.v1"

    unfrozen_at: AwareDatetime
