"""What a shop publishes. Stable: other teams build on it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from contracts.events.base import Amount, AmountOrZero, CurrencyCode, Message, OrderId, Part, Party

Confirmation = Literal["BUYER_CONFIRMED", "AUTO_CONFIRMED", "ADMIN_CONFIRMED", "COURIER_CONFIRMED"]


class Buyer(Part):
    id: Party
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    """ISO 3166-1 alpha-2."""


class OrderLine(Part):
    seller: Party
    category: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    amount_minor: Amount
    shipping_minor: AmountOrZero = 0
    destination: str | None = None


class _OrderMessage(Message):
    order_id: OrderId

    @property
    def subject(self) -> str:
        return self.order_id


class OrderPlaced(_OrderMessage):
    """A buyer ordered from one or more sellers; Holdfast asks for the money."""

    type: ClassVar[str] = "order.placed.v1"

    buyer: Buyer
    currency: CurrencyCode
    rail: Literal["card", "chain"]
    lines: Annotated[tuple[OrderLine, ...], Field(min_length=1, max_length=100)]
    placed_at: AwareDatetime


class OrderDelivered(_OrderMessage):
    """The order, or one seller's part of it, arrived; the inspection time starts."""

    type: ClassVar[str] = "order.delivered.v1"

    confirmation: Confirmation
    confirmed_by: str
    delivered_at: AwareDatetime
    seller: Party | None = None
    proof: str | None = None


class OrderCancelled(_OrderMessage):
    """The order will not be delivered; what is held goes back to the buyer."""

    type: ClassVar[str] = "order.cancelled.v1"

    cancelled_by: str
    reason: str


class OrderDisputed(_OrderMessage):
    """Somebody contests the order, or one seller's part of it; nothing of it is released until that is resolved."""

    type: ClassVar[str] = "order.disputed.v1"

    seller: Party | None = None
    opened_by: str
    reason: str
