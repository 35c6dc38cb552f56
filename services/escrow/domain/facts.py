"""What the shop says of an order. A fact may come at any time, also before there is money to hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from libs.ledger.personal import FreeText

Confirmation = Literal["BUYER_CONFIRMED", "AUTO_CONFIRMED", "ADMIN_CONFIRMED", "COURIER_CONFIRMED"]
AUTO_CONFIRMED: Confirmation = "AUTO_CONFIRMED"


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


Fact = Delivered | Disputed | Cancelled
