"""Read models: `rows` (payments, refunds, work) follows the log, `reads` asks; `chargebacks` does both for its own."""

from __future__ import annotations

from services.payment.views.reads import Views, orders_of
from services.payment.views.rows import projection

__all__ = ["Views", "orders_of", "projection"]
