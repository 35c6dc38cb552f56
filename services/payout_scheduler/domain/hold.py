"""What an escrow holds for sellers, as its messages tell it: the `pending` of their wallets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.ledger.decider import Decider, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One seller's part: what the release will bring, the commission taken off."""

    allocation_id: UUID
    seller: str
    net_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOpened(Event):
    escrow_id: UUID
    order_id: str
    currency: str
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRefunded(Event):
    """What had not been released went back to the buyer."""

    escrow_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReduced(Event):
    """A part of what is held for a seller will not be theirs: refunded, or lost to a chargeback."""

    escrow_id: UUID
    currency: str
    lost: Held


HoldEvent = HoldOpened | HoldRefunded | HoldReduced


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHold:
    escrow_id: UUID
    order_id: str
    currency: str
    held: tuple[Held, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundHold:
    escrow_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReduceHold:
    escrow_id: UUID
    currency: str
    lost: Held
    at: datetime


HoldCommand = OpenHold | RefundHold | ReduceHold


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldState:
    opened: bool = False
    refunded: bool = False


def decide(command: HoldCommand, state: HoldState) -> tuple[HoldEvent, ...]:
    match command:
        case OpenHold() if not (state.opened or state.refunded):  # a refund may overtake what it refunds
            return (
                HoldOpened(
                    at=command.at,
                    escrow_id=command.escrow_id,
                    order_id=command.order_id,
                    currency=command.currency,
                    held=command.held,
                ),
            )
        case RefundHold() if not state.refunded:
            return (HoldRefunded(at=command.at, escrow_id=command.escrow_id),)
        case ReduceHold(lost=lost, at=at) if lost.net_minor:  # it may overtake its hold: both add to the same sum
            return (HoldReduced(at=at, escrow_id=command.escrow_id, currency=command.currency, lost=lost),)
        case _:
            return ()


def evolve(state: HoldState, event: HoldEvent) -> HoldState:
    match event:
        case HoldOpened():
            return replace(state, opened=True)
        case HoldRefunded():
            return replace(state, refunded=True)
        case HoldReduced():
            return state


HOLD: Final = Decider[HoldCommand, HoldState, HoldEvent](
    "hold", HoldState(), decide, evolve, (HoldOpened, HoldRefunded, HoldReduced)
)
