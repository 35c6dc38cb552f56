"""Stored event -> public message, or nothing. What people typed stays in the log: messages are kept by others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from contracts.events import escrows
from contracts.events.base import Message
from libs.ledger.decider import Event
from libs.ledger.personal import SEALED
from services.escrow.domain import events as e


def announce(event: Event) -> Message | None:
    """The public message of an event, or None where it is nobody else's business."""
    told = _MESSAGES.get(type(event))
    return told(event) if told else None


def _held(event: e.FundsHeld) -> Message:
    return escrows.EscrowHeld(
        **_names(event),
        amount_minor=event.amount_minor,
        allocations=tuple(
            escrows.Allocation(
                allocation_id=each.allocation_id,
                seller=each.seller,
                gross_minor=each.gross_minor,
                commission_minor=each.commission_minor,
            )
            for each in event.allocations
        ),
        held_at=event.at,
        deliver_by=event.deliver_by,
        hold_until_max=event.hold_until_max,
    )


def _confirmed(event: e.DeliveryConfirmed) -> Message:
    return escrows.EscrowDeliveryConfirmed(
        **_names(event),
        sellers=event.sellers,
        confirmation=event.confirmation,
        confirmed_by=event.confirmed_by,
        confirmed_at=event.at,
        release_at=event.release_at,
    )


def _released(event: e.AllocationReleased) -> Message:
    model = escrows.EscrowReleased if event.status == "RELEASED" else escrows.EscrowPartiallyReleased
    release = escrows.Release(
        release_id=event.release_id,
        allocation_id=event.allocation_id,
        seller=event.seller,
        gross_minor=event.gross_minor,
        commission_minor=event.commission_minor,
        net_minor=event.net_minor,
    )
    return model(
        **_names(event),
        release=release,
        release_type=event.release_type,
        charge=event.charge,
        released_at=event.at,
    )


def _cancelled(event: e.EscrowRefunded) -> Message:
    return escrows.EscrowRefunded(
        **_names(event),
        refund_id=event.refund_id,
        amount_minor=event.amount_minor,
        reason=SEALED,
        refunded_at=event.at,
    )


def _disputed(event: e.DisputeOpened) -> Message:
    return escrows.EscrowDisputed(
        **_names(event), sellers=event.sellers, opened_by=event.opened_by, reason=SEALED, disputed_at=event.at
    )


def _refunded(event: e.AllocationRefunded) -> Message:
    return _refund(event, event.refund_id, after_release=False)


def _settled(event: e.ClawbackSettled) -> Message | None:
    """A claw-back that is settled lets its refund be paid; there is none where the bank has taken the money."""
    if event.cause != "refund" or not event.amount_minor:
        return None
    return _refund(event, event.cause_id, after_release=True)


def _refund(event: e.AllocationRefunded | e.ClawbackSettled, refund_id: UUID, *, after_release: bool) -> Message:
    return escrows.EscrowAllocationRefunded(
        **_of_allocation(event),
        refund_id=refund_id,
        amount_minor=event.amount_minor,
        commission_minor=event.commission_minor,
        net_minor=event.net_minor,
        after_release=after_release,
        reason=SEALED,
        refunded_at=event.at,
    )


def _clawed_back(event: e.ReleaseClawedBack) -> Message | None:
    """Nothing to tell where all of it was our commission: no seller loses anything."""
    if not event.net_minor:
        return None
    return escrows.EscrowClawedBack(
        **_of_allocation(event),
        clawback_id=event.clawback_id,
        cause=event.cause,
        net_minor=event.net_minor,
        balance_minor=event.balance_minor,
        receivable_minor=event.receivable_minor,
        clawed_back_at=event.at,
    )


def _covered(event: e.ChargebackCovered) -> Message:
    return escrows.EscrowChargebackCovered(
        **_of_allocation(event),
        chargeback_id=event.chargeback_id,
        amount_minor=event.amount_minor,
        held_net_minor=event.held_net_minor,
        covered_at=event.at,
    )


def _frozen(event: e.EscrowFrozen) -> Message:
    return escrows.EscrowFrozen(
        **_names(event), cause=event.cause, cause_id=event.cause_id, sellers=event.sellers, frozen_at=event.at
    )


def _unfrozen(event: e.EscrowUnfrozen) -> Message | None:
    """Nothing to tell where nobody heard that it was frozen."""
    if not event.sellers:
        return None
    return escrows.EscrowUnfrozen(
        **_names(event), cause=event.cause, cause_id=event.cause_id, sellers=event.sellers, unfrozen_at=event.at
    )


def _names(event: e.HeldEvent) -> dict[str, Any]:
    return {
        "escrow_id": event.escrow_id,
        "payment_id": event.payment_id,
        "order_id": event.order_id,
        "currency": event.currency,
    }


def _of_allocation(event: e.AllocationEvent) -> dict[str, Any]:
    return _names(event) | {"allocation_id": event.allocation_id, "seller": event.seller}


_MESSAGES: Final[Mapping[type[Event], Callable[[Any], Message | None]]] = {
    e.FundsHeld: _held,
    e.DeliveryConfirmed: _confirmed,
    e.AllocationReleased: _released,
    e.EscrowRefunded: _cancelled,
    e.DisputeOpened: _disputed,
    e.AllocationRefunded: _refunded,
    e.ClawbackSettled: _settled,
    e.ReleaseClawedBack: _clawed_back,
    e.ChargebackCovered: _covered,
    e.EscrowFrozen: _frozen,
    e.EscrowUnfrozen: _unfrozen,
}
