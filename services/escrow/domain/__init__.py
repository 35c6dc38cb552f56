"""What an escrow is: pure functions over commands, state and events. Time and ids arrive in the commands."""

from __future__ import annotations

from services.escrow.domain.escrow import ESCROW

__all__ = ["ESCROW"]
