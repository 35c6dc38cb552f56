"""The work at the processor: one method a kind. A worker calls them; each ends by recording the outcome."""

from __future__ import annotations

from services.payment.performances.payments import Performances

__all__ = ["Performances"]
