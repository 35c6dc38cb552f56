"""Months, what may happen to them, and their sheets: worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from libs.ledger.errors import Rejected
from services.audit.domain import months
from services.audit.domain.periods import (
    PERIODS,
    Close,
    Command,
    Period,
    PeriodClosed,
    PeriodReopened,
    PeriodSealed,
    Reopen,
    Seal,
    State,
    periods_id,
)
from services.audit.domain.sheet import LINES_MAX, Line, Total, parts, sheet_id, totals

NOW = datetime(2026, 12, 24, 6, tzinfo=UTC)


def close(month: str, *, first: str | None = None, at: datetime = NOW) -> Close:
    return Close(month=month, first_posted=first, at=at)


def reopen(month: str) -> Reopen:
    return Reopen(month=month, at=NOW)


def seal(month: str, closing: int = 1) -> Seal:
    return Seal(month=month, closing=closing, position=7, parts=0, lines=0, totals=(), at=NOW)


def after(*commands: Command, state: State = PERIODS.initial) -> State:
    """The state that these commands lead to, one after the other."""
    for command in commands:
        state = PERIODS.fold(PERIODS.decide(command, state), state)
    return state


def refusal(command: Command, state: State) -> str:
    with pytest.raises(Rejected) as refused:
        PERIODS.decide(command, state)
    return refused.value.code


@pytest.mark.parametrize(
    ("month", "starts", "ends"),
    [
        ("2026-10", (2026, 10, 1), (2026, 11, 1)),
        ("2026-12", (2026, 12, 1), (2027, 1, 1)),
        ("2027-01", (2027, 1, 1), (2027, 2, 1)),
        ("2028-02", (2028, 2, 1), (2028, 3, 1)),  # 29 days
        ("2100-02", (2100, 2, 1), (2100, 3, 1)),  # 28 days: a century, but not the fourth
        ("2000-02", (2000, 2, 1), (2000, 3, 1)),
    ],
)
def test_a_month_is_half_open_in_utc(month: str, starts: tuple[int, int, int], ends: tuple[int, int, int]) -> None:
    assert months.starts_at(month) == datetime(*starts, tzinfo=UTC)
    assert months.ends_at(month) == datetime(*ends, tzinfo=UTC)
    assert months.month_of(months.starts_at(month)) == month
    assert months.month_of(months.ends_at(month) - timedelta(microseconds=1)) == month
    assert months.month_of(months.ends_at(month)) == months.after(month)
    assert months.before(months.after(month)) == month


def test_leap_februaries_have_29_days() -> None:
    days = {
        month: (months.ends_at(month) - months.starts_at(month)).days for month in ("2024-02", "2026-02", "2100-02")
    }
    assert days == {"2024-02": 29, "2026-02": 28, "2100-02": 28}


def test_the_month_of_a_moment_is_that_of_utc() -> None:
    berlin, new_york = timezone(timedelta(hours=1)), timezone(timedelta(hours=-5))
    assert months.month_of(datetime(2026, 11, 1, 0, 30, tzinfo=berlin)) == "2026-10"
    assert months.month_of(datetime(2026, 10, 31, 20, tzinfo=new_york)) == "2026-11"


def test_months_sort_as_text() -> None:
    run = ["2026-09", "2026-10", "2026-12", "2027-01"]
    assert all(a < b for a, b in pairwise(run))


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-1", "2026-13", "2026-00", "26-10", "2026-10-01", "9999-12", "\uff12026-10", "2026-10\n"]
)
def test_what_is_not_a_month_is_refused(text: str) -> None:
    with pytest.raises(Rejected) as refused:
        months.parse(text)
    assert refused.value.code == "bad_month"


def test_the_first_month_to_be_closed_is_that_of_the_first_posting() -> None:
    [event] = PERIODS.decide(close("2026-10", first="2026-10"), State())
    assert event == PeriodClosed(at=NOW, month="2026-10", closing=1, closed_before=datetime(2026, 11, 1, tzinfo=UTC))
    assert refusal(close("2026-10", first="2026-08"), State()) == "period_out_of_order"
    assert refusal(close("2026-10", first="2026-11"), State()) == "period_out_of_order"
    assert refusal(close("2026-10"), State()) == "nothing_posted"


def test_months_close_in_order_and_the_refusal_names_the_one_that_is_due() -> None:
    state = after(close("2026-08", first="2026-08"))
    with pytest.raises(Rejected, match="close-month 2026-09") as refused:
        PERIODS.decide(close("2026-10"), state)
    assert refused.value.fields["due"] == "2026-09"
    assert refusal(close("2026-07"), state) == "period_out_of_order"
    assert len(PERIODS.decide(close("2026-09"), state)) == 1


def test_a_month_that_has_not_ended_is_refused_to_its_last_instant() -> None:
    end = datetime(2028, 3, 1, tzinfo=UTC)
    early = close("2028-02", first="2028-02", at=end - timedelta(microseconds=1))
    assert refusal(early, State()) == "period_not_ended"
    assert len(PERIODS.decide(close("2028-02", first="2028-02", at=end), State())) == 1


def test_closing_a_closed_month_changes_nothing() -> None:
    closed = after(close("2026-10", first="2026-10"))
    assert PERIODS.decide(close("2026-10"), closed) == ()
    sealed = after(close("2026-10", first="2026-10"), seal("2026-10"))
    assert PERIODS.decide(close("2026-10"), sealed) == ()
    assert PERIODS.decide(seal("2026-10"), sealed) == ()


def test_only_the_month_that_was_closed_last_is_reopened() -> None:
    state = after(close("2026-09", first="2026-09"), seal("2026-09"), close("2026-10"), seal("2026-10"))
    with pytest.raises(Rejected, match="reopen-month 2026-10") as refused:
        PERIODS.decide(reopen("2026-09"), state)
    assert refused.value.code == "later_period_closed"
    [event] = PERIODS.decide(reopen("2026-10"), state)
    assert event == PeriodReopened(at=NOW, month="2026-10", closing=1, closed_before=datetime(2026, 10, 1, tzinfo=UTC))
    reopened = PERIODS.evolve(state, event)
    assert (reopened.open_from, reopened.periods["2026-10"].status) == ("2026-10", "reopened")
    assert [each.month for each in PERIODS.decide(reopen("2026-09"), reopened)] == ["2026-09"]


def test_what_is_open_is_not_reopened() -> None:
    assert refusal(reopen("2026-10"), State()) == "period_not_closed"
    state = after(close("2026-10", first="2026-10"), reopen("2026-10"))
    assert refusal(reopen("2026-10"), state) == "period_not_closed"
    assert refusal(reopen("2026-11"), state) == "period_not_closed"


def test_a_reopened_month_is_closed_and_sealed_again() -> None:
    state = after(close("2026-10", first="2026-10"), seal("2026-10"), reopen("2026-10"), close("2026-10"))
    assert state.periods["2026-10"] == Period(2, "closed")
    assert after(seal("2026-10", 2), state=state).periods["2026-10"] == Period(2, "sealed")


def test_a_sealing_that_a_reopening_overtook_does_not_count() -> None:
    reopened = after(close("2026-10", first="2026-10"), reopen("2026-10"))
    assert refusal(seal("2026-10", 1), reopened) == "period_reopened"
    closed_again = after(close("2026-10"), state=reopened)
    assert refusal(seal("2026-10", 1), closed_again) == "period_reopened"
    assert [type(event) for event in PERIODS.decide(seal("2026-10", 2), closed_again)] == [PeriodSealed]


def test_after_twelve_months_the_next_year_is_due() -> None:
    year = [f"2025-{number:02}" for number in range(1, 13)]
    state = after(close(year[0], first=year[0]), *(close(month) for month in year[1:]))
    assert state.open_from == "2026-01"
    assert [month for month, period in state.periods.items() if period.is_closed] == year


def line(account: str, opening: int = 0, debit: int = 0, credit: int = 0, currency: str = "USD") -> Line:
    return Line(
        account=account,
        currency=currency,
        opening_minor=opening,
        debit_minor=debit,
        credit_minor=credit,
        closing_minor=opening + debit - credit,
    )


def test_totals_are_the_sums_of_each_currency() -> None:
    lines = [
        line("stripe:platform", opening=1_000, debit=500, credit=200),
        line("escrow:held", opening=-1_000, debit=0, credit=300),
        line("chain:1:escrow", debit=2**70, currency="ETH@1"),
        line("funds:unallocated", credit=2**70, currency="ETH@1"),
    ]
    assert totals(lines) == (
        Total(
            currency="ETH@1",
            debit_minor=2**70,
            credit_minor=2**70,
            closing_debit_minor=2**70,
            closing_credit_minor=2**70,
        ),
        Total(currency="USD", debit_minor=500, credit_minor=500, closing_debit_minor=1_300, closing_credit_minor=1_300),
    )
    assert totals([]) == ()


def test_parts_hold_every_line_once_and_none_too_many() -> None:
    lines = [line(f"seller:{number}:available", credit=1) for number in range(2 * LINES_MAX + 1)]
    assert [len(part) for part in parts(lines)] == [LINES_MAX, LINES_MAX, 1]
    assert [each for part in parts(lines) for each in part] == lines
    assert list(parts(lines[:LINES_MAX])) == [tuple(lines[:LINES_MAX])]
    assert list(parts([])) == []


def test_every_book_has_its_own_months_and_every_closing_its_own_sheet() -> None:
    ids = [
        periods_id(1),
        periods_id(2),
        *(sheet_id(1, "2026-10", closing) for closing in (1, 2)),
        sheet_id(2, "2026-10", 1),
    ]
    assert len(set(ids)) == len(ids)
