"""What every event of an escrow has, and what was heard before there was any money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

from libs.ledger.decider import Event
from services.escrow.domain.facts import Fact

Status = Literal["HELD", "PENDING_RELEASE", "PARTIALLY_RELEASED", "RELEASED", "REFUNDED", "DISPUTED"]


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
class AllocationEvent(HeldEvent):
    """Of one seller's allocation."""

    allocation_id: UUID
    seller: str
