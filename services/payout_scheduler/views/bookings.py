"""What reconciliation reads in this service: sellers' whole balances at Stripe, and transfers on the platform's."""

from __future__ import annotations

import re
from typing import Final

from libs.ledger import chart
from libs.runtime.reconcile.projection import Scope
from services.payout_scheduler.domain import PAYOUT, RECONCILIATION, REVERSAL, TRANSFER
from services.payout_scheduler.domain.reconciliation import BOOKING, effect

_SELLERS: Final = re.escape(chart.stripe_connected("")) + ".+"
SCOPE: Final = Scope(
    accounts=re.compile(f"{re.escape(chart.STRIPE_PLATFORM)}|{_SELLERS}"),
    whole=re.compile(_SELLERS),
    kinds=(TRANSFER.kind, REVERSAL.kind, PAYOUT.kind),
    types=BOOKING,
    effect=effect,
    report_kind=RECONCILIATION.kind,
)
