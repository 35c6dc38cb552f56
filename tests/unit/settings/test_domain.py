from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.ledger.errors import Rejected
from libs.ledger.personal import FreeText
from services.settings.domain import SETTING, SetSetting, SettingChanged, State

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
WHY_AND_WHENCE: Any = {
    "reason": FreeText("a sale", ("ada",)),
    "ip": FreeText("10.0.0.1", ("ada",)),
    "user_agent": FreeText("curl", ("ada",)),
}
SET = SetSetting(
    key="escrow.inspection_days",
    value=5,
    default=7,
    actor="ada",
    **WHY_AND_WHENCE,
    at=NOON,
)


def changed(old: Any, new: Any) -> SettingChanged:
    return SettingChanged(
        at=NOON,
        key="escrow.inspection_days",
        old=old,
        new=new,
        actor="ada",
        **WHY_AND_WHENCE,
    )


def given_then(past: list[SettingChanged], command: SetSetting) -> list[SettingChanged]:
    return list(SETTING.decide(command, SETTING.fold(past)))


def test_the_first_change_is_from_the_default() -> None:
    assert given_then([], SET) == [changed(7, 5)]


def test_a_later_change_is_from_the_value_before_it() -> None:
    assert given_then([changed(7, 9)], SET) == [changed(9, 5)]


def test_the_value_it_has_already_is_no_change() -> None:
    assert given_then([changed(7, 5)], SET) == []
    assert given_then([], replace(SET, value=7)) == []


def test_going_back_to_the_default_is_a_change() -> None:
    assert given_then([changed(7, 5)], replace(SET, value=7)) == [changed(5, 7)]


def test_the_default_counts_no_more_once_a_value_was_set() -> None:
    assert given_then([changed(7, 0)], replace(SET, value=7, default=0)) == [changed(0, 7)]


@pytest.mark.parametrize("version", [0, 2])
def test_a_change_of_a_version_that_is_not_the_present_one_is_refused(version: int) -> None:
    with pytest.raises(Rejected) as refused:
        given_then([changed(7, 9)], replace(SET, expected_version=version))
    assert refused.value.code == "version_mismatch"
    assert refused.value.fields["version"] == 1


def test_a_change_of_the_present_version_is_made() -> None:
    assert given_then([changed(7, 9)], replace(SET, expected_version=1)) == [changed(9, 5)]
    assert given_then([], replace(SET, expected_version=0)) == [changed(7, 5)]


@given(st.lists(st.integers(0, 3)))
def test_the_state_is_the_last_value_that_was_set(values: list[int]) -> None:
    state = State()
    for value in values:
        state = SETTING.fold(SETTING.decide(replace(SET, value=value), state), state)
    assert (state.value if state.version else 7) == (values[-1] if values else 7)
