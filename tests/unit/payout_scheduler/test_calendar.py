from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payout_scheduler.domain.calendar import FREQUENCIES, Frequency, next_slot_from, slot_at

MOMENTS = st.integers(0, 40 * 366 * 24 * 60).map(
    lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("frequency", "moment", "slot"),
    [
        ("daily", "2026-11-02T00:00Z", "2026-11-02"),
        ("weekly", "2026-11-01T23:59:59Z", "2026-W44"),
        ("weekly", "2026-11-02T00:00Z", "2026-W45"),
        ("weekly", "2027-01-01T12:00Z", "2026-W53"),
        ("monthly", "2026-11-30T23:59Z", "2026-11"),
    ],
)
def test_slots_are_those_of_the_calendar_in_utc(frequency: Frequency, moment: str, slot: str) -> None:
    assert slot_at(frequency, at(moment)) == slot


def test_a_moment_counts_in_utc_whatever_its_offset() -> None:
    monday_in_tokyo = datetime(2026, 11, 2, 3, tzinfo=timezone(timedelta(hours=9)))
    assert slot_at("weekly", monday_in_tokyo) == "2026-W44"


def test_on_demand_has_no_slots() -> None:
    assert slot_at("on_demand", at("2026-11-02T00:00Z")) is None
    assert next_slot_from("on_demand", at("2026-11-02T00:00Z")) is None


@given(MOMENTS, st.sampled_from([frequency for frequency in FREQUENCIES if frequency != "on_demand"]))
def test_a_slot_lasts_until_the_next_one_begins_and_no_longer(moment: datetime, frequency: Frequency) -> None:
    following = next_slot_from(frequency, moment)
    assert following is not None
    assert following > moment
    assert slot_at(frequency, following - timedelta(microseconds=1)) == slot_at(frequency, moment)
    assert slot_at(frequency, following) != slot_at(frequency, moment)
