"""What a buyer ordered, as far as paying for it is concerned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import NAMESPACE_OID, UUID, uuid5

Rail = Literal["card", "chain"]


def payment_id_of(book: int, order_id: str) -> UUID:
    """The payment of an order. Derived, so that the same order placed twice meets the same stream."""
    return uuid5(NAMESPACE_OID, f"holdfast/payment/{book}/{order_id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """`country` is ISO 3166-1 alpha-2."""

    id: str
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One seller's goods of one category; amounts in minor units of the order's currency.

    Where they go is left out: it may be an address, and paying takes none.
    """

    seller: str
    category: str
    amount_minor: int
    shipping_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The content of an order: placed again with the same content it is the same order."""

    order_id: str
    buyer: Buyer
    currency: str
    rail: Rail
    lines: tuple[Line, ...]

    @property
    def amount_minor(self) -> int:
        return sum(line.amount_minor + line.shipping_minor for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The smallest and the largest amount that may be paid, in minor units of the order's currency."""

    amount_min_minor: int
    amount_max_minor: int
