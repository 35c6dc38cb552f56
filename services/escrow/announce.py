"""Stored event -> public message, or nothing."""

from __future__ import annotations

from typing import Any

from contracts.events import escrows
from contracts.events.base import Message
from libs.ledger.decider import Event
from libs.ledger.personal import SEALED
from services.escrow.domain import events as e
from services.escrow.domain.allocation import Allocation


def announce(event: Event) -> Message | None:
    """The public message of an event, or None. What people typed stays in the log: messages are kept by others."""
    match event:
        case e.FundsHeld():
            return escrows.EscrowHeld(
                **_names(event),
                amount_minor=event.amount_minor,
                allocations=tuple(map(_allocation, event.allocations)),
                held_at=event.at,
                deliver_by=event.deliver_by,
                hold_until_max=event.hold_until_max,
            )
        case e.DeliveryConfirmed():
            return escrows.EscrowDeliveryConfirmed(
                **_names(event),
                sellers=event.sellers,
                confirmation=event.confirmation,
                confirmed_by=event.confirmed_by,
                confirmed_at=event.at,
                release_at=event.release_at,
            )
        case e.AllocationReleased():
            model = escrows.EscrowReleased if event.status == "RELEASED" else escrows.EscrowPartiallyReleased
            return model(
                **_names(event),
                release=_release(event),
                release_type=event.release_type,
                charge=event.charge,
                released_at=event.at,
            )
        case e.EscrowRefunded():
            return escrows.EscrowRefunded(
                **_names(event),
                refund_id=event.refund_id,
                amount_minor=event.amount_minor,
                reason=SEALED,
                refunded_at=event.at,
            )
        case e.DisputeOpened():
            return escrows.EscrowDisputed(
                **_names(event),
                sellers=event.sellers,
                opened_by=event.opened_by,
                reason=SEALED,
                disputed_at=event.at,
            )
        case _:
            return None


def _names(event: e.HeldEvent) -> dict[str, Any]:
    return {
        "escrow_id": event.escrow_id,
        "payment_id": event.payment_id,
        "order_id": event.order_id,
        "currency": event.currency,
    }


def _allocation(allocation: Allocation) -> escrows.Allocation:
    return escrows.Allocation(
        allocation_id=allocation.allocation_id,
        seller=allocation.seller,
        gross_minor=allocation.gross_minor,
        commission_minor=allocation.commission_minor,
    )


def _release(event: e.AllocationReleased) -> escrows.Release:
    return escrows.Release(
        release_id=event.release_id,
        allocation_id=event.allocation_id,
        seller=event.seller,
        gross_minor=event.gross_minor,
        commission_minor=event.commission_minor,
        net_minor=event.net_minor,
    )
