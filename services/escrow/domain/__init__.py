"""What an escrow is: pure functions over commands, state and events. Time and ids arrive in the commands."""

from __future__ import annotations

from services.escrow.domain.escrow import ESCROW
from services.escrow.domain.upcasts import UPCASTS

__all__ = ["ESCROW", "UPCASTS"]
