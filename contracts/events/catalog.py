"""Type <-> model: everything that may travel."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from contracts.events import escrows, orders, payments, payouts, settings
from contracts.events.base import Message

MESSAGES: Final[tuple[type[Message], ...]] = (
    orders.OrderPlaced,
    orders.OrderDelivered,
    orders.OrderCancelled,
    orders.OrderDisputed,
    payments.PaymentRequested,
    payments.PaymentRejected,
    payments.PaymentCaptured,
    payments.PaymentFailed,
    payments.PaymentCanceled,
    payments.PaymentRefunded,
    payments.PaymentExpired,
    payments.PaymentRefundFailed,
    payments.PaymentChargedBack,
    payments.PaymentChargebackClosed,
    payments.PaymentFraudWarned,
    escrows.EscrowHeld,
    escrows.EscrowDeliveryConfirmed,
    escrows.EscrowPartiallyReleased,
    escrows.EscrowReleased,
    escrows.EscrowRefunded,
    escrows.EscrowDisputed,
    escrows.EscrowAllocationRefunded,
    escrows.EscrowClawedBack,
    escrows.EscrowChargebackCovered,
    escrows.EscrowFrozen,
    escrows.EscrowUnfrozen,
    payouts.TransferSettled,
    payouts.TransferNetted,
    payouts.TransferReversed,
    payouts.PayoutScheduled,
    payouts.PayoutSubmitted,
    payouts.PayoutPaid,
    payouts.PayoutFailed,
    payouts.PayoutReturned,
    settings.SettingChanged,
)

BY_TYPE: Final[Mapping[str, type[Message]]] = MappingProxyType({model.type: model for model in MESSAGES})

ORDERS: Final = "orders"
EVENTS: Final = "holdfast.events"
Exchange = Literal["orders", "holdfast.events"]


def exchange_of(model: type[Message]) -> Exchange:
    """The topic exchange on which messages of this type travel, with their type as routing key: a shop's, or ours."""
    return ORDERS if model.type.startswith("order.") else EVENTS
