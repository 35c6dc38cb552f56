"""Money is whole minor units: nothing is lost, nothing is made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.ledger.errors import Rejected
from libs.ledger.money import CURRENCIES, currency, format_minor, parse_minor, portion, split


@given(
    total=st.integers(0, 10**30),
    weights=st.lists(st.integers(0, 10**12), min_size=1, max_size=12).filter(any),
)
def test_a_split_conserves_its_total_and_strays_less_than_a_unit_from_the_exact_share(
    total: int, weights: list[int]
) -> None:
    shares = split(total, weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share * sum(weights) - total * weight) < sum(weights)


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (1, [1, 1, 1, 1, 1, 1, 1], [1, 0, 0, 0, 0, 0, 0]),
        (5, [0, 1], [0, 5]),
        (10, [7, 3], [7, 3]),
        (11, [1, 2], [4, 7]),
    ],
)
def test_splits_worked_by_hand(total: int, weights: list[int], shares: list[int]) -> None:
    assert split(total, weights) == shares


@pytest.mark.parametrize(("total", "weights"), [(1, []), (1, [0]), (-1, [1]), (1, [2, -1])])
def test_an_impossible_split_is_refused(total: int, weights: list[int]) -> None:
    with pytest.raises(Rejected):
        split(total, weights)


@given(amount=st.integers(-(10**40), 10**40), code=st.sampled_from(sorted(CURRENCIES)))
def test_printing_and_reading_an_amount_are_inverse(amount: int, code: str) -> None:
    assert parse_minor(format_minor(amount, code), code) == amount


@pytest.mark.parametrize(
    ("text", "code"),
    [("1.005", "USD"), ("0.5", "JPY"), ("ten", "USD"), ("NaN", "USD"), ("Infinity", "EUR"), ("", "USD")],
)
def test_more_precision_than_the_currency_has_and_what_is_no_number_is_refused(text: str, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse_minor(text, code)
    assert refused.value.code == "bad_amount"


def test_an_unknown_currency_is_refused_by_name() -> None:
    with pytest.raises(Rejected) as refused:
        currency("XYZ")
    assert refused.value.code == "unknown_currency"


@pytest.mark.parametrize(
    ("amount", "basis_points", "part"),
    [(10_000, 2_000, 2_000), (25, 2_000, 5), (2, 2_500, 1), (1, 4_999, 0), (0, 9, 0)],
)
def test_a_portion_rounds_half_a_unit_up(amount: int, basis_points: int, part: int) -> None:
    assert portion(amount, basis_points) == part
