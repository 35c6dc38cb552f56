"""The check of answers finds what the SDK does not declare."""

import copy
from typing import Any

import pytest

from libs.devstack.stripe_twin.shapes import WrongShapeError, check_answer
from tests.unit.stripe_twin.fixtures import FIXTURES

_TRANSFER = FIXTURES["transfer"]


def test_a_declared_object_passes() -> None:
    check_answer(_TRANSFER)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "1100"},
        {"amount": None},
        {"colour": "red"},
        {"metadata": {"a": 1}},
        {"reversals": {"object": "list", "data": [{"id": "trr_1"}], "has_more": False, "url": "/"}},
        {"destination": {"id": "acct_1", "object": "account", "colour": "red"}},
        {"object": "present"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_planted_fault_is_found(change: dict[str, Any]) -> None:
    with pytest.raises(WrongShapeError):
        check_answer(copy.deepcopy(_TRANSFER) | change)


def test_a_required_property_must_be_there() -> None:
    with pytest.raises(WrongShapeError, match="livemode"):
        check_answer({name: value for name, value in _TRANSFER.items() if name != "livemode"})


def test_lists_and_errors_are_looked_into() -> None:
    check_answer({"object": "list", "data": [_TRANSFER], "has_more": False, "url": "/v1/transfers"})
    with pytest.raises(WrongShapeError):
        check_answer({"object": "list", "data": [_TRANSFER | {"amount": 1.5}], "has_more": False, "url": "/"})
    check_answer({"error": {"type": "invalid_request_error", "message": "No.", "param": "amount"}})
    with pytest.raises(WrongShapeError):
        check_answer({"error": {"type": "invalid_request_error", "reason": "No."}})
