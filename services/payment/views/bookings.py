"""What reconciliation reads in this service: the platform's whole balance, and our own events about its lines."""

from __future__ import annotations

import re
from typing import Final

from libs.ledger import chart
from libs.runtime.reconcile.projection import Scope
from services.payment.domain import FEE, PAYMENT, RECONCILIATION
from services.payment.domain.reconciliation import BOOKING, effect

_PLATFORM: Final = re.compile(re.escape(chart.STRIPE_PLATFORM))
SCOPE: Final = Scope(_PLATFORM, _PLATFORM, (PAYMENT.kind, FEE.kind), BOOKING, effect, RECONCILIATION.kind)
