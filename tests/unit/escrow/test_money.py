"""An allocation's money: nothing of it is lost in however many parts it goes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.ledger.errors import Corrupt
from services.escrow.domain.allocation import CommissionTerms
from services.escrow.domain.money import Money, Part, shared_out
from tests.unit.escrow.given import NOON, day

GROSS = st.integers(1, 10**6)
TERMS = st.builds(
    lambda basis_points, floor, more: CommissionTerms(
        basis_points=basis_points, min_minor=floor, max_minor=floor + more
    ),
    st.integers(0, 10_000),
    st.integers(0, 10**5),
    st.integers(0, 10**5),
)
"""Within a floor and a cap, so that the commission may be any part of the whole, and all of it."""


def money(gross_minor: int, terms: CommissionTerms) -> Money:
    return Money(gross_minor=gross_minor, commission_minor=terms.of(gross_minor, gross_minor))


@given(GROSS, TERMS, st.lists(GROSS, max_size=20))
def test_the_commission_of_all_releases_sums_to_the_frozen_one(
    gross_minor: int, terms: CommissionTerms, steps: list[int]
) -> None:
    whole = left = money(gross_minor, terms)
    for wanted_minor in [*steps, gross_minor]:
        part = left.of_held(min(wanted_minor, left.held_minor))
        assert 0 <= part.commission_minor <= part.gross_minor
        left = left.with_release(part, NOON)
    assert left.taken_minor == whole.commission_minor
    assert left.kept_minor == gross_minor


@given(GROSS, TERMS, st.lists(st.tuples(st.sampled_from(["release", "refund", "claw back"]), GROSS), max_size=25))
def test_in_any_mixture_of_parts_all_that_was_taken_is_given_back_with_the_last_of_it(
    gross_minor: int, terms: CommissionTerms, steps: list[tuple[str, int]]
) -> None:
    now = money(gross_minor, terms)
    for what, wanted_minor in [*steps, ("claw back", gross_minor)]:
        before = now
        if what == "claw back":
            part = now.of_kept(min(wanted_minor, now.kept_minor))
            now = now.with_clawback(part)
            assert now.taken_minor == before.taken_minor - part.commission_minor
        elif what == "release":
            part = now.of_held(min(wanted_minor, now.held_minor))
            now = now.with_release(part, NOON)
        else:
            part = now.of_held(min(wanted_minor, now.held_minor))
            now = now.with_refund(part.gross_minor)
        assert 0 <= part.commission_minor <= part.gross_minor
        assert now.held_minor + now.released_minor + now.refunded_minor == gross_minor
    assert (now.kept_minor, now.taken_minor) == (0, 0)


def test_a_commission_given_back_unit_by_unit_stays_in_proportion() -> None:
    now = Money(gross_minor=1_000, commission_minor=200)
    now = now.with_release(now.of_held(1_000), NOON)
    for _ in range(500):
        now = now.with_clawback(now.of_kept(1))
    assert (now.kept_minor, now.taken_minor) == (500, 100)


def test_a_claw_back_takes_of_the_newest_release_first() -> None:
    now = Money(gross_minor=300, commission_minor=0)
    for number in (1, 2, 3):
        now = now.with_release(now.of_held(100), day(number))
    now = now.with_clawback(Part(gross_minor=150, commission_minor=0))
    assert [release.kept_minor for release in now.releases] == [100, 50, 0]
    assert now.kept_since(day(2)) == 50
    assert now.kept_since(day(2) + timedelta(seconds=1)) == 0


WHOLE = Money(gross_minor=100, commission_minor=20)


@pytest.mark.parametrize(
    "beyond",
    [
        lambda: WHOLE.with_refund(101),
        lambda: WHOLE.with_release(Part(gross_minor=101, commission_minor=0), NOON),
        lambda: WHOLE.with_release(Part(gross_minor=10, commission_minor=11), NOON),
        lambda: WHOLE.with_clawback(Part(gross_minor=1, commission_minor=0)),
        lambda: Money(gross_minor=100, commission_minor=101),
    ],
)
def test_what_is_not_there_cannot_move(beyond: object) -> None:
    with pytest.raises(Corrupt):
        beyond()  # type: ignore[operator] # one of the above


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), max_size=8))
def test_an_amount_is_shared_out_wholly_and_nobody_gives_more_than_there_is(total_minor: int, left: list[int]) -> None:
    shares = shared_out(total_minor, left)
    assert sum(shares) == min(total_minor, sum(left))
    assert all(0 <= share <= most for share, most in zip(shares, left, strict=True))
