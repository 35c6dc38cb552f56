"""What may stand in the stream of an escrow."""

from __future__ import annotations

from typing import Final

from services.escrow.domain.events.base import (
    AllocationEvent,
    EscrowEvent,
    FactNoted,
    FactRefused,
    HeldEvent,
    Status,
)
from services.escrow.domain.events.freezes import (
    ChargebackAbsorbed,
    ChargebackCovered,
    EscrowFrozen,
    EscrowUnfrozen,
    FreezeCause,
    RefundChargedBack,
    ReleaseReserved,
    ReserveReturned,
)
from services.escrow.domain.events.holding import (
    AllocationReleased,
    DeliveryConfirmed,
    DisputeOpened,
    FundsHeld,
    ReleaseType,
)
from services.escrow.domain.events.refunds import (
    AllocationRefunded,
    Cause,
    ClawbackSettled,
    EscrowRefunded,
    ReleaseClawedBack,
)

__all__ = [
    "EVENTS",
    "AllocationEvent",
    "AllocationRefunded",
    "AllocationReleased",
    "Cause",
    "ChargebackAbsorbed",
    "ChargebackCovered",
    "ClawbackSettled",
    "DeliveryConfirmed",
    "DisputeOpened",
    "EscrowEvent",
    "EscrowFrozen",
    "EscrowRefunded",
    "EscrowUnfrozen",
    "FactNoted",
    "FactRefused",
    "FreezeCause",
    "FundsHeld",
    "HeldEvent",
    "RefundChargedBack",
    "ReleaseClawedBack",
    "ReleaseReserved",
    "ReleaseType",
    "ReserveReturned",
    "Status",
]

EVENTS: Final[tuple[type[EscrowEvent], ...]] = (
    FactNoted,
    FactRefused,
    FundsHeld,
    DeliveryConfirmed,
    DisputeOpened,
    AllocationReleased,
    EscrowRefunded,
    AllocationRefunded,
    ReleaseClawedBack,
    ClawbackSettled,
    EscrowFrozen,
    EscrowUnfrozen,
    ReleaseReserved,
    ReserveReturned,
    ChargebackCovered,
    RefundChargedBack,
    ChargebackAbsorbed,
)
