"""What the processor says against what we booked, object by object."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

import pytest

from libs.ledger.reconciled import FINDINGS_MAX, Balance, Record, Tally, Unread, reconciliation, reconciliation_id
from libs.ledger.reconciliation import GRACE, Booking, Finding, Line, Status, agree, apart, judge

NOW: Final = datetime(2026, 11, 20, 6, tzinfo=UTC)
HEARD: Final = NOW - GRACE
LONG_AGO: Final = NOW - timedelta(days=3)
JUST_NOW: Final = NOW - timedelta(minutes=5)
ACCOUNT: Final = "stripe:platform"
_numbers = count(1)


def line(amount_minor: int, currency: str = "USD", *, at: datetime = LONG_AGO, line_type: str = "charge") -> Line:
    return Line(
        id=f"txn_{next(_numbers)}",
        source="ch_1",
        line_type=line_type,
        currency=currency,
        amount_minor=amount_minor,
        at=at,
    )


def booking(
    amount_minor: int, currency: str = "USD", *, at: datetime = LONG_AGO, pending: int = 0, adjusts: bool = False
) -> Booking:
    return Booking(
        source="ch_1",
        currency=currency,
        amount_minor=amount_minor,
        pending_minor=pending,
        at=at,
        adjusts=adjusts,
        about=None if adjusts else "o1",
    )


@dataclass(frozen=True)
class Case:
    """`findings`: status, why, currency, at the processor, in the ledger."""

    name: str
    lines: list[Line] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    findings: tuple[tuple[str, str, str, int, int], ...] = ()


CASES: Final = (
    Case("both sides", [line(100)], [booking(100)], (("matched", "agreed", "USD", 100, 100),)),
    Case(
        "several lines, several bookings",
        [line(-100), line(-15), line(100)],
        [booking(-115), booking(100)],
        (("matched", "agreed", "USD", -15, -15),),
    ),
    Case(
        "gone and back before it was booked",
        [line(-100, line_type="payout"), line(100, line_type="payout_failure")],
        [booking(0, pending=-100), booking(0)],
        (("matched", "agreed", "USD", 0, 0),),
    ),
    Case("never left, and over", [], [booking(0, pending=-100), booking(0)], (("matched", "agreed", "USD", 0, 0),)),
    Case("the line alone", [line(100)], [], (("missing", "not_in_ledger", "USD", 100, 0),)),
    Case("the booking alone", [], [booking(100)], (("missing", "not_at_processor", "USD", 0, 100),)),
    Case("the line alone, of just now", [line(100, at=JUST_NOW)], [], (("expected", "just_now", "USD", 100, 0),)),
    Case("the booking alone, of just now", [], [booking(9, at=JUST_NOW)], (("expected", "just_now", "USD", 0, 9),)),
    Case(
        "another amount, of just now",
        [line(90, at=JUST_NOW)],
        [booking(100, at=JUST_NOW)],
        (("expected", "just_now", "USD", 90, 100),),
    ),
    Case("an hour ago is not just now", [line(100, at=HEARD)], [], (("missing", "not_in_ledger", "USD", 100, 0),)),
    Case("another amount", [line(90)], [booking(100)], (("mismatched", "amounts_differ", "USD", 90, 100),)),
    Case("a part of it", [line(40), line(50)], [booking(100)], (("mismatched", "amounts_differ", "USD", 90, 100),)),
    Case("the other sign", [line(-100)], [booking(100)], (("mismatched", "amounts_differ", "USD", -100, 100),)),
    Case("twice there", [line(100)] * 2, [booking(100)], (("mismatched", "amounts_differ", "USD", 200, 100),)),
    Case("twice here", [line(100)], [booking(100)] * 2, (("mismatched", "amounts_differ", "USD", 100, 200),)),
    Case(
        "another currency",
        [line(110)],
        [booking(100, "EUR")],
        (("mismatched", "amounts_differ", "EUR", 0, 100), ("mismatched", "amounts_differ", "USD", 110, 0)),
    ),
    Case(
        "under way, with its line",
        [line(-100)],
        [booking(0, pending=-100)],
        (("expected", "under_way", "USD", -100, 0),),
    ),
    Case("under way, no line yet", [], [booking(0, pending=-100)], (("expected", "under_way", "USD", 0, 0),)),
    Case(
        "under way with another amount",
        [line(-90)],
        [booking(0, pending=-100)],
        (("mismatched", "amounts_differ", "USD", -90, 0),),
    ),
    Case(
        "under way, in another currency",
        [line(-100, "EUR")],
        [booking(0, pending=-100)],
        (("mismatched", "amounts_differ", "EUR", -100, 0), ("expected", "under_way", "USD", 0, 0)),
    ),
    Case(
        "the line explained by hand",
        [line(-500, line_type="payout")],
        [booking(-500, adjusts=True)],
        (("matched", "adjusted", "USD", -500, -500),),
    ),
    Case(
        "the booking undone by hand",
        [],
        [booking(100), booking(-100, adjusts=True)],
        (("matched", "adjusted", "USD", 0, 0),),
    ),
    Case(
        "explained by hand in part",
        [line(-500)],
        [booking(-400, adjusts=True)],
        (("mismatched", "amounts_differ", "USD", -500, -400),),
    ),
    Case("by hand alone: another service examines it", [], [booking(-400, adjusts=True)]),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_object_is_judged(case: Case) -> None:
    judged = judge(ACCOUNT, case.lines, case.bookings, HEARD)
    assert (
        tuple(
            (each.status, each.why, each.currency, each.at_processor_minor, each.in_ledger_minor)
            for each in judged.findings
        )
        == case.findings
    )
    assert judged.settled == all(status == "matched" for status, *_ in case.findings)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_agrees_at_a_glance_is_matched(case: Case) -> None:
    if agree(case.lines, case.bookings):
        assert all(status == "matched" for status, *_ in case.findings)


def test_a_finding_names_the_object_in_both_worlds() -> None:
    [found] = judge(ACCOUNT, [line(90), line(5, line_type="adjustment")], [booking(100)], HEARD).findings
    assert (found.account, found.source, found.about) == (ACCOUNT, "ch_1", "o1")
    assert found.line_types == ("adjustment", "charge")


def test_what_is_apart_at_a_time_counts_what_was_there_by_then() -> None:
    both = [line(-100)], [booking(-100, at=JUST_NOW)]
    assert apart(*both, HEARD) == {"USD": -100}
    assert apart(*both, NOW) == {}


def found(status: Status, *, why: str = "not_in_ledger", minor: int = 100, currency: str = "USD") -> Finding:
    [base] = judge(ACCOUNT, [line(minor, currency)], [], HEARD).findings
    return replace(base, status=status, why=why)  # type: ignore[arg-type]  # any of them, for counting


def test_a_report_sums_by_status_and_currency_and_names_what_did_not_agree() -> None:
    tally = Tally()
    tally.add([found("matched", why="agreed"), found("matched", why="adjusted"), found("missing"), found("missing")])
    tally.add([found("expected"), found("mismatched", currency="EUR")])
    report = tally.report(NOW, None)
    assert [(each.status, each.currency, each.count, each.at_processor_minor) for each in report.sums] == [
        ("expected", "USD", 1, 100),
        ("matched", "USD", 2, 200),
        ("mismatched", "EUR", 1, 100),
        ("missing", "USD", 2, 200),
    ]
    assert [each.status for each in report.findings] == ["missing", "missing", "mismatched", "matched", "expected"]
    assert (report.left, report.cut, report.complete, report.balances_at) == (3, 0, True, HEARD)


def test_a_report_stays_small_and_says_what_it_cut() -> None:
    tally = Tally()
    tally.add([found("expected")] * FINDINGS_MAX)
    tally.add([found("missing")] * 3)
    report = tally.report(NOW, LONG_AGO)
    assert (len(report.findings), report.cut, report.complete) == (FINDINGS_MAX, 3, True)
    assert [each.status for each in report.findings[:4]] == ["missing"] * 3 + ["expected"]
    tally.add([found("missing")] * FINDINGS_MAX)
    assert tally.report(NOW, LONG_AGO).complete is False  # the cut ones are found again in no other way


def test_fees_balances_and_unread_accounts_are_counted() -> None:
    tally = Tally(unread=[Unread(account="stripe:connected:eve", since=None)])
    tally.charge("USD", 320)
    tally.charge("USD", -20)
    same = Balance(
        status="matched",
        account=ACCOUNT,
        currency="USD",
        at_processor_minor=5,
        in_ledger_minor=5,
        unexplained_minor=0,
    )
    tally.weigh(same, always=True)
    tally.weigh(replace(same, account="stripe:connected:ann"), always=False)
    tally.weigh(replace(same, account="stripe:connected:bob", status="mismatched"), always=False)
    report = tally.report(NOW, None)
    assert [(each.currency, each.count, each.amount_minor) for each in report.fees] == [("USD", 2, 300)]
    assert [each.account for each in report.balances] == [ACCOUNT, "stripe:connected:bob"]
    assert (report.balances_matched, report.left, report.complete) == (1, 2, True)


def test_the_same_run_twice_is_stored_once() -> None:
    domain = reconciliation("reconciliation")
    report = Tally().report(NOW, None)
    assert domain.decide(Record(report), None) == (report,)
    assert domain.decide(Record(report), domain.fold([report])) == ()
    assert reconciliation_id(domain.kind, 1, NOW) == reconciliation_id(domain.kind, 1, NOW)
    assert reconciliation_id(domain.kind, 1, NOW) != reconciliation_id(domain.kind, 1, NOW + timedelta(seconds=1))
