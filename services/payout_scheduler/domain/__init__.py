"""The sellers' side of the money: who they are, what is held for them, transfers to them and back, payouts to banks."""

from __future__ import annotations

from typing import Final

from libs.ledger.decider import Event
from services.payout_scheduler.domain.hold import HOLD
from services.payout_scheduler.domain.payout import PAYOUT
from services.payout_scheduler.domain.reconciliation import RECONCILIATION
from services.payout_scheduler.domain.reversal import REVERSAL
from services.payout_scheduler.domain.seller import SELLER
from services.payout_scheduler.domain.transfer import TRANSFER
from services.payout_scheduler.domain.webhook import WEBHOOK

__all__ = ["EVENTS", "HOLD", "KINDS", "PAYOUT", "RECONCILIATION", "REVERSAL", "SELLER", "TRANSFER", "WEBHOOK"]

EVENTS: Final[tuple[type[Event], ...]] = (
    *SELLER.events,
    *HOLD.events,
    *TRANSFER.events,
    *REVERSAL.events,
    *PAYOUT.events,
    *WEBHOOK.events,
    *RECONCILIATION.events,
)
KINDS: Final = (SELLER.kind, HOLD.kind, TRANSFER.kind, REVERSAL.kind, PAYOUT.kind, WEBHOOK.kind)
