"""Type <-> model: everything that may travel."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

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
    escrows.EscrowHeld,
    escrows.EscrowDeliveryConfirmed,
    escrows.EscrowPartiallyReleased,
    escrows.EscrowReleased,
    escrows.EscrowRefunded,
    escrows.EscrowDisputed,
    payouts.TransferSettled,
    payouts.PayoutScheduled,
    payouts.PayoutSubmitted,
    payouts.PayoutPaid,
    payouts.PayoutFailed,
    settings.SettingChanged,
)

BY_TYPE: Final[Mapping[str, type[Message]]] = MappingProxyType({model.type: model for model in MESSAGES})
