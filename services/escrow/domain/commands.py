"""What an escrow may be asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from libs.ledger.personal import FreeText
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
    """The shop or the bank said something of an order."""

    escrow_id: UUID
    order_id: str
    fact: Fact
    available_minor: Mapping[str, int] = field(default_factory=dict)
    """What we owe each seller now, in the escrow's currency; needed where the bank speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDue:
    """Do what the timers say at `as_of`."""

    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person asks for: of one seller's allocation or of all, all that there is or so much of one."""

    at: datetime
    by: str
    reason: FreeText
    seller: str | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseNow:
    """Release what is held, without waiting for a timer."""

    wish: Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Give back to the buyer what is held, then what was released at most `window_days` ago."""

    wish: Wish
    window_days: int
    available_minor: Mapping[str, int]
    """What we owe each seller now, in the escrow's currency: as far as it goes a claw-back is paid out of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleClawback:
    """The seller's transfers were reversed as far as they could be."""

    at: datetime
    clawback_id: UUID
    reversed_minor: int
    short_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfreeze:
    """A person looked into the issuer's warning and lets the money go on."""

    at: datetime
    cause_id: str
    by: str
    reason: FreeText


Command = HoldFunds | HearFact | ReleaseDue | ReleaseNow | Refund | SettleClawback | Unfreeze
