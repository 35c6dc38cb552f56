"""The events of one decision as they follow from each other, and the refusals that several decisions share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from libs.ledger.errors import NotFound, Rejected
from services.escrow.domain import events as e
from services.escrow.domain.evolve import evolve
from services.escrow.domain.state import Share, State


class Course:
    """Each event is decided on the state that the ones before lead to, and carries the status that it leads to."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.events: list[e.EscrowEvent] = []

    def add(self, event: e.EscrowEvent) -> None:
        self.state = evolve(self.state, event)
        if isinstance(event, e.HeldEvent):
            event = replace(event, status=self.state.status)
        self.events.append(event)

    @property
    def held(self) -> e.FundsHeld:
        """Raises `NotFound` (`unknown_escrow`) before there is money."""
        if self.state.held is None:
            raise NotFound("There is no such escrow; GET /escrows?order_id=... finds it.", code="unknown_escrow")
        return self.state.held

    @property
    def shares(self) -> list[Share]:
        """As they are now; adding events makes new ones."""
        return list(self.state.shares.values())

    def meant(self, seller: str | None) -> list[Share]:
        """The share of that seller, or all of them; raises `Rejected` (`unknown_seller`), and as `held`."""
        order_id = self.held.order_id
        if seller is None:
            return self.shares
        if seller not in self.state.shares:
            raise Rejected(
                f"Seller {seller!r} has no part in order {order_id}, only {', '.join(self.state.shares)}.",
                code="unknown_seller",
                seller=seller,
            )
        return [self.state.shares[seller]]

    def names(self, at: datetime) -> dict[str, Any]:
        """The fields that every event of a held escrow has."""
        held = self.held
        return {
            "at": at,
            "escrow_id": held.escrow_id,
            "order_id": held.order_id,
            "payment_id": held.payment_id,
            "currency": held.currency,
        }

    def names_of(self, share: Share, at: datetime) -> dict[str, Any]:
        """The same, with those of an allocation."""
        allocation = share.allocation
        return self.names(at) | {"allocation_id": allocation.allocation_id, "seller": allocation.seller}


def refuse_if_all_released(shares: Sequence[Share], course: Course, wish: str) -> None:
    if all(share.all_released for share in shares):
        raise Rejected(
            f"Order {course.held.order_id} cannot be {wish} any more: its money was released to the sellers. "
            "Ask for a refund instead, or settle it with them outside of the escrow.",
            code="already_released",
            order_id=course.held.order_id,
        )


def refuse_at_the_bank(share: Share) -> None:
    """Whoever refunds a payment that the bank is about to take back may lose the money twice."""
    if share.at_the_bank is not None:
        raise Rejected(
            f"The buyer contests this payment at the bank ({share.at_the_bank}), which decides about the part of "
            f"{share.seller}; wait for that.",
            code="charged_back",
            seller=share.seller,
            chargeback_id=share.at_the_bank,
        )


def refuse_amount_of_many(seller: str | None, amount_minor: int | None) -> None:
    if amount_minor is not None and seller is None:
        raise Rejected(
            "An amount is taken of one allocation: say of which seller, or leave it out to mean all of the order.",
            code="seller_needed",
        )


def refuse_too_much(wanted_minor: int, left_minor: int, share: Share) -> None:
    if wanted_minor > left_minor:
        raise Rejected(
            f"Of {share.seller}'s allocation only {left_minor} minor units are left; ask for that or less.",
            code="too_much",
            seller=share.seller,
            left_minor=left_minor,
        )
