"""What a payment is: pure functions over commands, state and events. Time and ids arrive in the commands."""

from __future__ import annotations

from typing import Final

from libs.ledger.decider import Event
from services.payment.domain.adjustment import ADJUSTMENT
from services.payment.domain.fees import FEE
from services.payment.domain.payment import PAYMENT
from services.payment.domain.reconciliation import RECONCILIATION
from services.payment.domain.spending import SPENDING
from services.payment.domain.webhook import WEBHOOK

__all__ = ["ADJUSTMENT", "EVENTS", "FEE", "PAYMENT", "RECONCILIATION", "SPENDING", "WEBHOOK"]

EVENTS: Final[tuple[type[Event], ...]] = (
    *PAYMENT.events,
    *SPENDING.events,
    *WEBHOOK.events,
    *FEE.events,
    *ADJUSTMENT.events,
    *RECONCILIATION.events,
)
