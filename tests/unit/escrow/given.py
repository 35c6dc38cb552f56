"""Commands, facts and shorthand for the tests of the escrow domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.ledger.errors import Rejected
from libs.ledger.personal import FreeText, of_order
from services.escrow.domain import events as e
from services.escrow.domain.allocation import CommissionTerms, Line, escrow_id_of
from services.escrow.domain.commands import (
    Command,
    HearFact,
    HoldFunds,
    Refund,
    ReleaseDue,
    ReleaseNow,
    SettleClawback,
    Terms,
    Unfreeze,
    Wish,
)
from services.escrow.domain.escrow import ESCROW
from services.escrow.domain.facts import (
    BorneBy,
    Cancelled,
    ChargebackClosed,
    ChargedBack,
    Delivered,
    Disputed,
    Fact,
    FraudWarned,
    Outcome,
    Stage,
)
from services.escrow.domain.state import State

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
ESCROW_ID = escrow_id_of(1, "order-1")
BANK = UUID(int=99)
"""A chargeback."""
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


def charged_back(on: float = 12, amount_minor: int = 16_000, **changes: Any) -> ChargedBack:
    stage: Stage = "chargeback"
    borne_by: BorneBy = "seller"
    fact = ChargedBack(at=day(on), chargeback_id=BANK, stage=stage, amount_minor=amount_minor, borne_by=borne_by)
    return replace(fact, **changes)


def closed(outcome: Outcome, on: float = 20, to_cover_minor: int = 0, **changes: Any) -> ChargebackClosed:
    fact = ChargebackClosed(
        at=day(on), chargeback_id=BANK, outcome=outcome, to_cover_minor=to_cover_minor, borne_by="seller"
    )
    return replace(fact, **changes)


def warned(on: float = 1) -> FraudWarned:
    return FraudWarned(at=day(on), warning_id="issfr_1")


def hear(fact: Fact, **available_minor: int) -> HearFact:
    return HearFact(escrow_id=ESCROW_ID, order_id="order-1", fact=fact, available_minor=available_minor)


def wish(on: float, seller: str | None = None, amount_minor: int | None = None) -> Wish:
    return Wish(at=day(on), by="ada", reason=text("as agreed", "ada"), seller=seller, amount_minor=amount_minor)


def release_now(on: float, seller: str | None = None, amount_minor: int | None = None) -> ReleaseNow:
    return ReleaseNow(wish=wish(on, seller, amount_minor))


def refund(
    on: float,
    seller: str | None = None,
    amount_minor: int | None = None,
    available_minor: Mapping[str, int] | None = None,
    window_days: int = 30,
) -> Refund:
    asked = wish(on, seller, amount_minor)
    return Refund(wish=asked, window_days=window_days, available_minor=available_minor or {})


def unfreeze(on: float, cause_id: str = "issfr_1") -> Unfreeze:
    return Unfreeze(at=day(on), cause_id=cause_id, by="ada", reason=text("known buyer", "ada"))


def settle(clawback_id: UUID, on: float = 14, reversed_minor: int = 0, short_minor: int = 0) -> SettleClawback:
    return SettleClawback(at=day(on), clawback_id=clawback_id, reversed_minor=reversed_minor, short_minor=short_minor)


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


def refused(state: State, command: Command, code: str) -> Rejected:
    with pytest.raises(Rejected) as refusal:
        ESCROW.decide(command, state)
    assert refusal.value.code == code
    return refusal.value


def statuses(state: State) -> dict[str, str]:
    return {seller: share.status for seller, share in state.shares.items()}
