"""What one buyer may order in a day and in a month."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest

from services.payment.domain import SPENDING
from services.payment.domain.spending import (
    AllowanceReturned,
    AllowanceTaken,
    Caps,
    ReturnAllowance,
    Spending,
    TakeAllowance,
    allowance_of,
)
from tests.unit.payment.given import LATER, NOON, PAYMENT_ID

CAPS = Caps(daily_nominal_minor=1_000, monthly_nominal_minor=2_500, daily_count_max=3)
ALLOWANCE = allowance_of(1, "b1", NOON, 400)
TAKE = TakeAllowance(at=NOON, payment_id=PAYMENT_ID, allowance=ALLOWANCE)
RETURN = ReturnAllowance(at=LATER, payment_id=PAYMENT_ID)
TAKEN = AllowanceTaken(at=NOON, payment_id=PAYMENT_ID, day=2, nominal_minor=400)
RETURNED = AllowanceReturned(at=LATER, payment_id=PAYMENT_ID)


def _spent(*orders: tuple[int, int]) -> Spending:
    """The spending of orders, each of a day and an amount."""
    return SPENDING.fold(
        AllowanceTaken(at=NOON, payment_id=uuid4(), day=day, nominal_minor=amount) for day, amount in orders
    )


def _refused(spending: Spending, nominal_minor: int, caps: Caps = CAPS) -> str | None:
    refusal = spending.refusal(replace(ALLOWANCE, nominal_minor=nominal_minor), caps)
    return refusal and refusal[0]


@pytest.mark.parametrize(
    ("orders", "nominal_minor", "code"),
    [
        ([], 1_000, None),
        ([], 1_001, "daily_limit"),
        ([(2, 600)], 400, None),
        ([(2, 600)], 401, "daily_limit"),
        ([(1, 1_000)], 1_000, None),
        ([(1, 1_000), (3, 900)], 600, None),
        ([(1, 1_000), (3, 900)], 601, "monthly_limit"),
        ([(2, 1), (2, 1)], 1, None),
        ([(2, 1), (2, 1), (2, 1)], 1, "daily_count"),
        ([(1, 1), (1, 1), (1, 1)], 1, None),
    ],
)
def test_limits_are_of_a_day_and_of_a_month_from_the_first_order_on_and_include_their_ends(
    orders: list[tuple[int, int]], nominal_minor: int, code: str | None
) -> None:
    assert _refused(_spent(*orders), nominal_minor) == code


def test_a_limit_of_nothing_allows_nothing() -> None:
    assert _refused(Spending(), 1, replace(CAPS, daily_nominal_minor=0)) == "daily_limit"


def test_days_and_months_are_those_of_utc() -> None:
    summer = timezone(timedelta(hours=2))
    late = allowance_of(1, "b1", datetime(2026, 4, 1, 1, 30, tzinfo=summer), 400)
    assert (late.day, late.spending_id) == (31, allowance_of(1, "b1", NOON, 1).spending_id)
    assert allowance_of(1, "b1", datetime(2026, 4, 1, tzinfo=UTC), 400).spending_id != late.spending_id


def test_every_buyer_of_every_book_has_a_spending_of_their_own() -> None:
    ids: set[UUID] = {allowance_of(book, buyer, NOON, 1).spending_id for book in (1, 2) for buyer in ("b1", "b2")}
    assert len(ids) == 4


def test_an_order_takes_its_allowance_once_and_gives_it_back_once() -> None:
    state = SPENDING.initial
    assert SPENDING.decide(RETURN, state) == (), "it was never taken"
    assert SPENDING.decide(TAKE, state) == [TAKEN]
    state = SPENDING.fold([TAKEN])
    assert SPENDING.decide(TAKE, state) == ()
    assert SPENDING.decide(RETURN, state) == [RETURNED]
    state = SPENDING.fold([TAKEN, RETURNED])
    assert SPENDING.decide(RETURN, state) == ()
    assert SPENDING.decide(TAKE, state) == (), "an order that came to nothing does not come back"
    assert not state.taken
