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
    """An intent as the processor shows it now. `captured` is set if it succeeded, `declined` after a failed try.

    `abandoned`: it was canceled because nobody paid in time.
    """

    intent_id: str
    created_at: datetime
    status: Literal["waiting", "requires_action", "processing", "succeeded", "canceled"]
    captured: Capture | None = None
    declined: Trial | None = None
    canceled_at: datetime | None = None
    abandoned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReport:
    """A refund as the processor shows it now; `code` says why it failed."""

    processor_id: str
    created_at: datetime
    status: Literal["pending", "succeeded", "failed"]
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeReport:
    """A dispute as the processor shows it now, with what its balance transactions come to so far.

    `open` and `lost` say what the bank decided, `withdrawn_minor` whether money went: there are disputes without.
    `withdrawn_at` is when the first of it did; `under_review`: an answer was given.
    """

    dispute_id: str
    status: Literal["inquiry", "withdrawn", "open", "won", "lost"]
    under_review: bool
    currency: str
    amount_minor: int
    reason: str
    respond_by: datetime | None
    opened_at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_minor: int = 0
    reinstated_minor: int = 0
    fee_minor: int = 0
    fee_returned_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FraudReport:
    """An issuer's warning; `code` is the processor's word for the suspicion."""

    warning_id: str
    created_at: datetime
    code: str
