"""Commands, facts and shorthand for the tests of the escrow domain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from libs.ledger.personal import FreeText, of_order
from services.escrow.domain import events as e
from services.escrow.domain.allocation import CommissionTerms, Line, escrow_id_of
from services.escrow.domain.commands import Command, HearFact, HoldFunds, ReleaseDue, Terms
from services.escrow.domain.escrow import ESCROW
from services.escrow.domain.facts import Cancelled, Delivered, Disputed, Fact
from services.escrow.domain.state import State

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
ESCROW_ID = escrow_id_of(1, "order-1")
TERMS = Terms(
    hold=True,
    commission=CommissionTerms(basis_points=2_000, min_minor=100, max_minor=50_000),
    inspection_days=7,
    deliver_by_days=30,
    hold_days_max=90,
)
HOLD = HoldFunds(
    at=NOON,
    escrow_id=ESCROW_ID,
    order_id="order-1",
    payment_id=UUID(int=7),
    currency="USD",
    amount_minor=16_000,
    charge="ch_1",
    lines=(
        Line(seller="anna", amount_minor=10_000, shipping_minor=500),
        Line(seller="bert", amount_minor=3_000),
        Line(seller="anna", amount_minor=2_500),
    ),
    terms=TERMS,
)
"""12,500 + 500 shipping for anna, 3,000 for bert."""


def day(number: float) -> datetime:
    """So many days after the money came."""
    return NOON + timedelta(days=number)


def text(typed: str, author: str) -> FreeText:
    return FreeText(typed, (author, of_order("order-1")))


def delivered(on: float = 3, seller: str | None = None, **changes: Any) -> Delivered:
    fact = Delivered(at=day(on), confirmation="COURIER_CONFIRMED", confirmed_by="courier", seller=seller)
    return replace(fact, **changes)


def disputed(on: float = 4, seller: str | None = None) -> Disputed:
    return Disputed(at=day(on), opened_by="buyer", reason=text("broken", "buyer"), seller=seller)


def cancelled(on: float = 2) -> Cancelled:
    return Cancelled(at=day(on), cancelled_by="shop", reason=text("out of stock", "shop"))


def hear(fact: Fact) -> HearFact:
    return HearFact(escrow_id=ESCROW_ID, order_id="order-1", fact=fact)


def release(as_of: float) -> ReleaseDue:
    return ReleaseDue(as_of=day(as_of))


def after(*commands: Command) -> State:
    return ESCROW.fold(history(commands))


def history(commands: Iterable[Command]) -> list[e.EscrowEvent]:
    """All events of these commands, one after the other."""
    events: list[e.EscrowEvent] = []
    for command in commands:
        events += ESCROW.decide(command, ESCROW.fold(events))
    return events


def then(state: State, command: Command) -> list[e.EscrowEvent]:
    return list(ESCROW.decide(command, state))


def statuses(state: State) -> dict[str, str]:
    return {seller: share.status for seller, share in state.shares.items()}
