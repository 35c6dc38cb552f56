"""What a payment is: pure functions over commands, state and events. Time and ids arrive in the commands."""

from __future__ import annotations

from typing import Final

from libs.ledger.decider import Event
from services.payment.domain.payment import PAYMENT
from services.payment.domain.webhook import WEBHOOK

__all__ = ["EVENTS", "PAYMENT", "WEBHOOK"]

EVENTS: Final[tuple[type[Event], ...]] = (*PAYMENT.events, *WEBHOOK.events)
