"""What an escrow may be asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.escrow.domain.allocation import CommissionTerms, Line
from services.escrow.domain.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The settings as they are when the money comes. `hold` false: nothing is held back, all is released at once."""

    hold: bool
    commission: CommissionTerms
    inspection_days: int
    deliver_by_days: int
    hold_days_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldFunds:
    """A payment was captured."""

    at: datetime
    escrow_id: UUID
    order_id: str
    payment_id: UUID
    currency: str
    amount_minor: int
    charge: str
    lines: tuple[Line, ...]
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class HearFact:
    """The shop said something of an order."""

    escrow_id: UUID
    order_id: str
    fact: Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDue:
    """Do what the timers say at `as_of`."""

    as_of: datetime


Command = HoldFunds | HearFact | ReleaseDue
