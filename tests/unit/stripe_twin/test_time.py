"""The twin's clock and agenda, and events that bear the time they happened."""

import pytest

from libs.devstack.stripe_twin.clock import Agenda, Clock
from libs.devstack.stripe_twin.config import TwinConfig
from libs.devstack.stripe_twin.passing import advance
from libs.devstack.stripe_twin.tables import within
from libs.devstack.stripe_twin.world import World


def test_a_clock_that_does_not_tick_moves_only_when_told() -> None:
    wall = iter(range(100, 200))
    clock = Clock(50, ticking=False, wall=lambda: float(next(wall)))
    assert (clock.now(), clock.now(), clock.advance(7), clock.set(60)) == (50, 50, 57, 60)


def test_a_ticking_clock_never_runs_backwards() -> None:
    readings = iter([100.0, 101.0, 90.0, 92.0])
    clock = Clock(50, ticking=True, wall=lambda: next(readings))
    assert [clock.now(), clock.now(), clock.now()] == [51, 51, 53]


def test_a_clock_refuses_to_go_back() -> None:
    clock = Clock(50, ticking=False)
    with pytest.raises(ValueError, match="cannot go back by 10 s"):
        clock.set(40)


def test_due_actions_run_in_order_of_time_then_of_arrival() -> None:
    clock = Clock(0, ticking=False)
    agenda, ran = Agenda(clock), list[str]()
    agenda.at(20, lambda: ran.append("late"))
    agenda.at(10, lambda: ran.append("first"))
    agenda.at(10, lambda: agenda.at(10, lambda: ran.append("planned meanwhile")))
    assert not agenda.run_due()
    clock.advance(10)
    assert agenda.run_due()
    assert ran == ["first", "planned meanwhile"]


def test_time_that_leaps_stops_at_everything_due_on_the_way() -> None:
    world = World(TwinConfig(start=1_000, ticking=False))
    seen: list[int] = []
    for moment in (1_300, 1_100, 1_200):
        world.agenda.at(moment, lambda: seen.append(world.clock.now()))
    assert advance(world, 500) == 1_500
    assert seen == [1_100, 1_200, 1_300]


@pytest.mark.parametrize(
    ("bounds", "inside"),
    [
        (5, True), (6, False), ({"gt": 4}, True), ({"gt": 5}, False), ({"gte": 5, "lte": 5}, True),
        ({"lt": 5}, False), ({"lt": 6, "gt": 4}, True), ({"lte": 4}, False), ({}, True),
    ],
)  # fmt: skip
def test_time_filters(bounds: int | dict[str, int], inside: bool) -> None:
    assert within(5, bounds) is inside
