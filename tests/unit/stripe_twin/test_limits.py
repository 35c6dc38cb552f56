"""Rate limits count a second's worth at once and then so many a second, of an operation and in all."""

import pytest

from libs.devstack.stripe_twin.errors import StripeRefusal
from libs.devstack.stripe_twin.limits import RateLimits


class _Wall:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def _refused(limits: RateLimits, call: str) -> str | None:
    try:
        limits.admit(call)
    except StripeRefusal as refusal:
        return refusal.headers["stripe-rate-limited-reason"]
    return None


def test_a_burst_takes_what_the_second_has_and_time_gives_it_back() -> None:
    wall = _Wall()
    limits = RateLimits(5, None, wall=wall)
    assert [_refused(limits, "refunds.create") for _ in range(6)] == [None] * 5 + ["endpoint-rate"]
    wall.seconds = 0.4
    assert [_refused(limits, "refunds.create") for _ in range(3)] == [None, None, "endpoint-rate"]
    wall.seconds = 60
    assert [_refused(limits, "refunds.create") for _ in range(6)] == [None] * 5 + ["endpoint-rate"]


def test_each_operation_has_its_own_limit() -> None:
    limits = RateLimits(1, None, wall=_Wall())
    calls = ("payment_intents.create", "payment_intents.retrieve", "payment_intents.create")
    assert [_refused(limits, call) for call in calls] == [None, None, "endpoint-rate"]


def test_all_operations_together_have_another() -> None:
    limits = RateLimits(5, 2, wall=_Wall())
    assert [_refused(limits, f"call_{number}") for number in range(3)] == [None, None, "global-rate"]


@pytest.mark.parametrize("none", [None, 0])
def test_without_a_limit_nothing_is_refused(none: float | None) -> None:
    limits = RateLimits(none, none, wall=_Wall())
    assert {_refused(limits, "refunds.create") for _ in range(1_000)} == {None}


def test_less_than_one_a_second_lets_one_through_and_then_makes_wait() -> None:
    wall = _Wall()
    limits = RateLimits(0.5, None, wall=wall)
    assert [_refused(limits, "x"), _refused(limits, "x")] == [None, "endpoint-rate"]
    wall.seconds = 2
    assert _refused(limits, "x") is None
