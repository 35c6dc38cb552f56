"""What the processor shows when it is asked: the only facts from outside that the domain believes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A try of the buyer to pay that was declined. `id` is the processor's, and tells one try from the next."""

    id: str
    code: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    charge: str
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentReport:
    """An intent as the processor shows it now. `captured` is set if it succeeded, `declined` after a failed try."""

    intent_id: str
    created_at: datetime
    status: Literal["waiting", "requires_action", "processing", "succeeded", "canceled"]
    captured: Capture | None = None
    declined: Trial | None = None
    canceled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReport:
    """A refund as the processor shows it now; `code` says why it failed."""

    processor_id: str
    created_at: datetime
    status: Literal["pending", "succeeded", "failed"]
    code: str | None = None
