"""What others say of an order: the shop, and the buyer's bank. A fact may come at any time, also before there is money
to hold, and what ends something may be heard before what began it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from libs.ledger.personal import FreeText

Confirmation = Literal["BUYER_CONFIRMED", "AUTO_CONFIRMED", "ADMIN_CONFIRMED", "COURIER_CONFIRMED"]
AUTO_CONFIRMED: Confirmation = "AUTO_CONFIRMED"
Stage = Literal["inquiry", "chargeback"]
Outcome = Literal["won", "lost", "withdrawn"]
BorneBy = Literal["seller", "platform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The order arrived, or with `seller` that seller's part of it. `at` is the time of delivery."""

    at: datetime
    confirmation: Confirmation
    confirmed_by: str
    seller: str | None = None
    proof: FreeText | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """Somebody contests the order, or with `seller` that seller's part of it."""

    at: datetime
    opened_by: str
    reason: FreeText
    seller: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The order will not be delivered."""

    at: datetime
    cancelled_by: str
    reason: FreeText


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedBack:
    """The buyer contests `amount_minor` of the payment at the bank. An inquiry may become a chargeback of its id.

    `borne_by` is the setting at the time it was heard, here and at the closing.
    """

    at: datetime
    chargeback_id: UUID
    stage: Stage
    amount_minor: int
    borne_by: BorneBy


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargebackClosed:
    """The bank decided. `to_cover_minor` is what is to be borne of a lost one."""

    at: datetime
    chargeback_id: UUID
    outcome: Outcome
    to_cover_minor: int
    borne_by: BorneBy


@dataclass(frozen=True, slots=True, kw_only=True)
class FraudWarned:
    """The card's issuer suspects fraud, and the settings say that this freezes what is held."""

    at: datetime
    warning_id: str


Fact = Delivered | Disputed | Cancelled | ChargedBack | ChargebackClosed | FraudWarned
