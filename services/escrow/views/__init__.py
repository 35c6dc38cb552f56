"""Read model of escrows: `rows` writes it from the log, `reads` asks it."""

from __future__ import annotations

from services.escrow.views.rows import projection

__all__ = ["projection"]
