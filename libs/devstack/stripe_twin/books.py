"""Where the twin's money is. It is moved between places and never made, so all balances always sum to zero."""

from collections import Counter
from collections.abc import Iterator
from typing import Literal, NamedTuple

Bucket = Literal["available", "pending", "in_transit", "world"]
Movement = Literal[
    "charge", "fee", "refund", "refund_failed", "dispute", "dispute_fee", "dispute_won", "settle",
    "transfer", "reversal", "payout", "payout_paid", "payout_returned",
]  # fmt: skip

PLATFORM = "platform"
"""The owner of everything that belongs to no connected account."""


class Place(NamedTuple):
    owner: str
    bucket: Bucket


BUYERS = Place("buyers", "world")
BANKS = Place("banks", "world")
STRIPE = Place("stripe", "world")


class Entry(NamedTuple):
    movement: Movement
    source: Place
    target: Place
    amount_minor: int
    currency: str


class Books:
    """A journal of movements and the balances that follow from it, per place and currency, in minor units."""

    def __init__(self) -> None:
        self.journal: list[Entry] = []
        self._balances: Counter[tuple[Place, str]] = Counter()
        self._totals: Counter[tuple[Movement, str]] = Counter()

    def move(self, movement: Movement, source: Place, target: Place, amount_minor: int, currency: str) -> None:
        if amount_minor < 0:
            raise ValueError(f"A movement has a direction: swap source and target instead of moving {amount_minor}.")
        self.journal.append(Entry(movement, source, target, amount_minor, currency))
        self._balances[source, currency] -= amount_minor
        self._balances[target, currency] += amount_minor
        self._totals[movement, currency] += amount_minor

    def balance(self, place: Place, currency: str) -> int:
        return self._balances[place, currency]

    def total(self, movement: Movement, currency: str) -> int:
        """All that ever moved this way."""
        return self._totals[movement, currency]

    def currencies(self) -> list[str]:
        return sorted({currency for _, currency in self._balances})

    def of(self, owner: str) -> Iterator[tuple[Bucket, str, int]]:
        """Bucket, currency and amount of everything an owner holds or ever held."""
        for (place, currency), amount_minor in sorted(self._balances.items()):
            if place.owner == owner:
                yield place.bucket, currency, amount_minor

    def owners(self) -> list[str]:
        return sorted({place.owner for place, _ in self._balances})

    def conserved(self) -> bool:
        """Whether the balances sum to zero in every currency and equal what the journal says."""
        replayed: Counter[tuple[Place, str]] = Counter()
        sums: Counter[str] = Counter()
        for entry in self.journal:
            replayed[entry.source, entry.currency] -= entry.amount_minor
            replayed[entry.target, entry.currency] += entry.amount_minor
        for (_, currency), amount_minor in self._balances.items():
            sums[currency] += amount_minor
        same = all(replayed[key] == amount_minor for key, amount_minor in self._balances.items())
        return same and not any(sums.values())
