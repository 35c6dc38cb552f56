"""How reports read questions and write answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from libs.eventstore.model import Recorded
from libs.ledger.errors import HoldfastError
from services.audit.cli.lines import balance, harmless, sides
from services.audit.cli.tail import told
from services.audit.reports.moments import NOW, AsOf, asked, between, point_of, time_of
from services.audit.reports.plain import plain
from services.audit.reports.spans import Place, place_of

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Part:
    amount_minor: int
    at: datetime | None


def test_amounts_are_integers_until_javascript_would_round_them_and_then_strings() -> None:
    parts = [Part(amount, NOON) for amount in (0, -(2**53) + 1, 2**53 - 1, 2**53, -(10**24))]
    found = [part["amount_minor"] for part in plain({"parts": tuple(parts)})["parts"]]
    assert found == [0, -9007199254740991, 9007199254740991, "9007199254740992", "-1000000000000000000000000"]


def test_reports_are_what_json_can_hold_and_nothing_else_passes() -> None:
    found = plain({"at": NOON, "leaf": b"\x01\xff", "ok": True, "none": None, "rate": 1.5, "part": Part(1, None)})
    assert json.loads(json.dumps(found)) == {
        "at": "2026-11-30T12:00:00+00:00",
        "leaf": "01ff",
        "ok": True,
        "none": None,
        "rate": 1.5,
        "part": {"amount_minor": 1, "at": None},
    }
    with pytest.raises(TypeError):
        plain({1, 2})


def test_a_day_is_its_end_where_it_ends_something_and_its_start_where_it_begins() -> None:
    midnight = datetime(2026, 12, 1, tzinfo=UTC)
    assert time_of("2026-11-30") == midnight - timedelta(microseconds=1)
    assert time_of("2026-11-30", ends=False) == midnight - timedelta(days=1)
    assert time_of("2026-11-30T12:00:00Z") == time_of("2026-11-30T12:00") == time_of("2026-11-30T14:00+02:00") == NOON
    assert time_of("2026-11-30T14:00+02:00").tzinfo == UTC
    assert time_of("9999-12-31").year == 9999
    assert point_of("20261130") == 20261130
    assert point_of("2026-11-30T12:00:00Z") == NOON


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-11-31", "-5", "²", "2026-11-30T25:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(HoldfastError) as refused:
        point_of(text)
    assert refused.value.code == "bad_time"


def test_the_options_say_which_clock_they_mean() -> None:
    assert asked(None, None) == NOW
    assert NOW.now
    assert asked(0, None, "2026-11-30T12:00Z") == AsOf(recorded=0, effective=NOON)
    assert asked(None, "2026-11-30T12:00Z") == AsOf(recorded=NOON)
    assert not asked(0, None).now
    with pytest.raises(HoldfastError) as refused:
        asked(1, "2026-11-30")
    assert refused.value.code == "two_moments"


def test_two_states_are_on_the_clock_that_is_asked_for() -> None:
    assert between("5", None, "recorded", None) == (AsOf(recorded=5), NOW)
    noon = "2026-11-30T12:00Z"
    assert between("5", "9", "recorded", noon) == (AsOf(recorded=5, effective=NOON), AsOf(recorded=9, effective=NOON))
    assert between(noon, None, "effective", None) == (AsOf(effective=NOON), NOW)
    for wrong in (("5", None, None), (noon, noon, noon)):
        with pytest.raises(HoldfastError):
            between(wrong[0], wrong[1], "effective", wrong[2])


def test_a_place_in_a_statement_is_written_and_read() -> None:
    assert place_of(str(Place(120, 2))) == Place(120, 2)
    for text in ("120", "a.b", "1.-1", ".", "1.99999", "²."):
        with pytest.raises(HoldfastError) as refused:
            place_of(text)
        assert refused.value.code == "bad_place"


def test_amounts_stand_on_their_side_in_their_currency() -> None:
    assert sides(1_234, "USD") == ("12.34", "")
    assert sides(-1_234, "JPY") == ("", "1234")
    assert (balance(5, "KWD"), balance(-5, "USD"), balance(0, "USD")) == ("0.005 Dr", "0.05 Cr", "0.00   ")


def test_nothing_from_the_log_moves_the_cursor_or_breaks_the_line() -> None:
    assert harmless("plain text, naïve too") == "plain text, naïve too"
    assert harmless("a\x1b[2Jb\nc\u202ed") == "a\\x1b[2Jb\\nc\\u202ed"
    event = Recorded(
        1, 7, "payment-x", 1, "PaymentCaptured", 1, NOON, NOON, None, None, "evil\x1b]0;", "why\n",
        ("stripe:platform", "funds:unallocated"), ("ETH@1", "ETH@1"), (10**18, -(10**18)), "{}", b"",
    )  # fmt: skip
    assert told(event).plain == (
        "2026-11-30T12:00:00.000+00:00         7  payment-x  PaymentCaptured  evil\\x1b]0;  "
        'stripe:platform 1.000000000000000000 ETH@1, funds:unallocated -1.000000000000000000 ETH@1  "why\\n"'
    )
