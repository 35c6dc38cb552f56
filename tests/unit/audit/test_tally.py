"""Balances summed from what PostgreSQL writes of postings, and nothing that was forged is summed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.proofs import tally
from services.audit.proofs.tally import Tally
from tests.unit.audit.rows import array
from tests.unit.audit.test_written import FORGED, PLAIN

ACCOUNTS = st.sampled_from(["stripe:platform", "expense:gas", "funds:unallocated", "odd:%s", "odd:%%", "odd:\u00e4"])
POSTINGS = st.tuples(ACCOUNTS, st.sampled_from(["USD", "ETH@1"]), st.integers(-(10**38) + 1, 10**38 - 1))
ENTRIES = st.lists(st.lists(POSTINGS, max_size=4), max_size=6)


def rows(entries: list[list[tuple[str, str, int]]]) -> list[Any]:
    """Events as the statement `postings` returns them."""
    return [(n, *(array(posting[k] for posting in entry) for k in range(3))) for n, entry in enumerate(entries, 1)]


def summed(entries: list[list[tuple[str, str, int]]]) -> dict[tuple[str, str], int]:
    balances: dict[tuple[str, str], int] = {}
    for account, currency, amount in (posting for entry in entries for posting in entry):
        balances[account, currency] = balances.get((account, currency), 0) + amount
    return balances


@pytest.mark.parametrize("entries_max", [1, tally.ENTRIES_MAX])
@given(first=ENTRIES, second=ENTRIES)
def test_balances_are_the_sums_of_their_postings(
    entries_max: int, first: list[list[tuple[str, str, int]]], second: list[list[tuple[str, str, int]]]
) -> None:
    """From the beginning or from kept balances on, whether entries are remembered or forgotten at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tally, "ENTRIES_MAX", entries_max)
        begun, resumed = Tally(), Tally(summed(first))
        begun.add_written(rows(first))
        begun.add_written(rows(second))
        resumed.add_written(rows(second))
    assert begun.balances == resumed.balances == summed(first + second)


@pytest.mark.parametrize("forged", FORGED)
def test_nothing_is_added_where_one_event_is_forged(forged: tuple[Any, Any, Any]) -> None:
    begun = Tally({("a", "USD"): 5})
    with pytest.raises((TypeError, ValueError)):
        begun.add_written([(1, *forged)])
    with pytest.raises((TypeError, ValueError)):
        begun.add_written([(1, *PLAIN), (2, *forged), (3, *PLAIN)])
    assert {pair: amount for pair, amount in begun.balances.items() if amount} == {("a", "USD"): 5}


@pytest.mark.parametrize(
    "amounts", [("{1,2,3}", "{4}"), ("{[1,2", "3,4]}"), ("{1,2}", "{3,4},{5}"), ('{"1,2"}', "{3,4}")]
)
def test_what_one_event_has_too_many_of_is_not_lent_to_the_next(amounts: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Tally().add_written([(n, "{a,b}", "{USD,USD}", each) for n, each in enumerate(amounts)])
