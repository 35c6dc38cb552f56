"""What happens at the marketplace: who sells, who orders what, who pays how, and when it arrives. Pure, by seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from contracts.events.orders import Buyer, OrderLine, OrderPlaced

CURRENCY: Final = "USD"
GOOD_BANK: Final = "000123456789"
CLOSED_BANK: Final = "000111111113"  # Stripe's documented test number: payouts to it bounce with `account_closed`

Fate = Literal["delivered", "late", "unconfirmed", "declined", "cancelled_unpaid", "cancelled_paid", "refused"]

_FATES: Final[Sequence[tuple[Fate, int]]] = (
    ("delivered", 180),
    ("late", 15),
    ("unconfirmed", 8),
    ("declined", 12),
    ("cancelled_unpaid", 2),
    ("cancelled_paid", 1),
    ("refused", 2),
)
_CARDS: Final[dict[Fate, str]] = {"declined": "pm_card_visa_chargeDeclined"}
_CATEGORIES: Final = ("lamps", "pottery", "textiles", "prints", "toys")
_COUNTRIES: Final = ("US", "DE", "FR", "JP", "BR")
_REPEATED: Final = 25


@dataclass(frozen=True, slots=True)
class Seller:
    """`onboards_day`: when they finish onboarding at Stripe; until then what they earn waits, visibly."""

    id: str
    bank: str = GOOD_BANK
    onboards_day: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """One order and what becomes of it. Days count from the marketplace's day."""

    placed: OrderPlaced
    fate: Fate
    card: str | None
    delivered_day: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    start: datetime
    """The day, a Monday, 06:00 UTC, long enough ago for everything to have ended by now."""
    days: int
    sellers: Sequence[Seller]
    orders: Sequence[Order]
    repeated: Sequence[Order]
    """Orders whose message the shop sends once more."""
    changed: OrderPlaced
    """An order placed before that comes again with another amount."""

    def day(self, number: int) -> datetime:
        return self.start + timedelta(days=number)


SELLERS: Final = (
    Seller("aurora-lamps"),
    Seller("basalt-prints"),
    Seller("cedar-toys"),
    Seller("delft-pottery", bank=CLOSED_BANK),
    Seller("elm-textiles"),
    Seller("fern-and-fig", onboards_day=12),
)


def make_plan(today: datetime, *, seed: int = 7) -> Plan:
    """The same day for the same seed; it ends before `today`."""
    chance = random.Random(seed)  # noqa: S311 - a story, not a secret
    days = 39  # 30 until nobody has confirmed, 7 to inspect; what came last is still on its way then
    start = (today - timedelta(days=days + today.weekday() + 1)).replace(hour=6, minute=0, second=0, microsecond=0)
    start -= timedelta(days=start.weekday())
    fates = [fate for fate, count in _FATES for _ in range(count)]
    chance.shuffle(fates)
    orders = [_order(number, fate, start, chance) for number, fate in enumerate(fates, 1)]
    paid = [order for order in orders if order.fate == "delivered"]
    first = paid[0].placed
    dearer = first.lines[0].model_copy(update={"amount_minor": first.lines[0].amount_minor + 1})
    changed = first.model_copy(update={"lines": (dearer, *first.lines[1:])})
    return Plan(start, days, SELLERS, orders, chance.sample(paid, _REPEATED), changed)


def _order(number: int, fate: Fate, start: datetime, chance: random.Random) -> Order:
    sellers = chance.sample(SELLERS, chance.choice((1, 1, 1, 2, 3)))
    lines = tuple(
        OrderLine(
            seller=seller.id,
            category=chance.choice(_CATEGORIES),
            amount_minor=chance.randint(900, 24_000) if fate != "refused" else 1_200_000,
            shipping_minor=chance.choice((0, 0, 490, 990)),
        )
        for seller in sellers
    )
    placed = OrderPlaced(
        order_id=f"day-{number:04}",
        buyer=Buyer(id=f"buyer-{chance.randint(1, 90)}", country=chance.choice(_COUNTRIES)),
        currency=CURRENCY,
        rail="card",
        lines=lines,
        placed_at=start + timedelta(seconds=chance.randint(0, 43_200)),
    )
    pays = fate not in {"refused", "cancelled_unpaid"}
    delivered = {"delivered": chance.randint(1, 4), "late": chance.randint(12, 33)}.get(fate)
    return Order(placed, fate, _CARDS.get(fate, "pm_card_visa") if pays else None, delivered)
