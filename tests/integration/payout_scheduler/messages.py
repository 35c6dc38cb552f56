"""What an escrow service says to the payout scheduler, in messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from contracts.events.escrows import (
    Allocation,
    EscrowAllocationRefunded,
    EscrowChargebackCovered,
    EscrowClawedBack,
    EscrowHeld,
    EscrowRefunded,
    EscrowReleased,
    Release,
)

ORDERS = UUID(int=77)
MONDAY = datetime(2026, 11, 2, tzinfo=UTC)


def escrow_id(order_id: str) -> UUID:
    return uuid5(ORDERS, order_id)


def allocation_id(order_id: str, seller: str) -> UUID:
    return uuid5(escrow_id(order_id), seller)


def held(order_id: str, shares: dict[str, int]) -> EscrowHeld:
    """An escrow opens: so much gross for each seller, of which a tenth is commission."""
    return EscrowHeld(
        **_names(order_id),
        amount_minor=sum(shares.values()),
        allocations=tuple(
            Allocation(**_whose(order_id, seller), gross_minor=gross, commission_minor=gross // 10)
            for seller, gross in shares.items()
        ),
        held_at=MONDAY,
        deliver_by=MONDAY + timedelta(days=30),
        hold_until_max=MONDAY + timedelta(days=90),
    )


def released(order_id: str, seller: str, gross: int, commission: int, charge: str, part: int) -> EscrowReleased:
    """The `part`th release of an allocation."""
    release = Release(
        **_whose(order_id, seller),
        release_id=uuid5(allocation_id(order_id, seller), str(part)),
        gross_minor=gross,
        commission_minor=commission,
        net_minor=gross - commission,
    )
    return EscrowReleased(
        **_names(order_id), release=release, release_type="auto_release", charge=charge, released_at=MONDAY
    )


def clawed_back(order_id: str, seller: str, net: int, balance: int, number: int) -> EscrowClawedBack:
    """Of the net, so much came out of what we owed the seller."""
    return EscrowClawedBack(
        **_names(order_id),
        **_whose(order_id, seller),
        clawback_id=uuid5(ORDERS, f"clawback/{number}"),
        cause="refund",
        net_minor=net,
        balance_minor=balance,
        receivable_minor=net - balance,
        clawed_back_at=MONDAY,
    )


def part_refunded(
    order_id: str, seller: str, net: int, number: int, *, after_release: bool
) -> EscrowAllocationRefunded:
    return EscrowAllocationRefunded(
        **_names(order_id),
        **_whose(order_id, seller),
        refund_id=uuid5(ORDERS, f"refund/{number}"),
        amount_minor=net,
        commission_minor=0,
        net_minor=net,
        after_release=after_release,
        reason="broken",
        refunded_at=MONDAY,
    )


def chargeback_covered(order_id: str, seller: str, held_net: int, number: int) -> EscrowChargebackCovered:
    """A little more than what was held of it."""
    return EscrowChargebackCovered(
        **_names(order_id),
        **_whose(order_id, seller),
        chargeback_id=uuid5(ORDERS, f"chargeback/{number}"),
        amount_minor=held_net + 1,
        held_net_minor=held_net,
        covered_at=MONDAY,
    )


def refunded(order_id: str, amount_minor: int) -> EscrowRefunded:
    """All that is held goes back."""
    return EscrowRefunded(
        **_names(order_id),
        refund_id=uuid5(escrow_id(order_id), "refund/1"),
        amount_minor=amount_minor,
        reason="cancelled",
        refunded_at=MONDAY,
    )


def _names(order_id: str) -> dict[str, Any]:
    return {"escrow_id": escrow_id(order_id), "payment_id": ORDERS, "order_id": order_id, "currency": "USD"}


def _whose(order_id: str, seller: str) -> dict[str, Any]:
    return {"allocation_id": allocation_id(order_id, seller), "seller": seller}
