"""The fast leaf is the leaf, and nothing that was forged has one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from libs.eventstore.leaves import leaf_of_recorded
from libs.eventstore.model import Recorded
from services.audit.proofs import written
from services.audit.proofs.tally import Tally
from tests.unit.audit.rows import FOREVER, array, row, sent

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
ASCII = st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=12)
TEXTS = st.one_of(ASCII, TEXT)
WORDS = st.from_regex(r"[a-z0-9:_.@-]{1,8}", fullmatch=True).filter(lambda word: word != "null")
WEI = st.integers(-(10**38) + 1, 10**38 - 1)
TIMES = st.datetimes(timezones=st.just(UTC))


@st.composite
def events(draw: st.DrawFn) -> Recorded:
    postings = draw(st.lists(st.tuples(WORDS, WORDS, WEI), max_size=4))
    accounts, currencies, amounts = zip(*postings, strict=True) if postings else ((), (), ())
    event = Recorded(
        book=7,
        position=1,
        stream=draw(TEXTS),
        version=draw(st.integers(1, 2**63 - 1)),
        type=draw(TEXTS),
        schema_version=draw(st.integers(-(2**15), 2**15 - 1)),
        recorded_at=datetime(2026, 11, 2, tzinfo=UTC),
        effective_at=draw(TIMES),
        correlation_id=draw(st.none() | TEXTS),
        causation_id=draw(st.none() | TEXTS),
        actor=draw(TEXTS),
        reason=draw(st.none() | TEXTS),
        accounts=accounts,
        currencies=currencies,
        amounts=amounts,
        data=draw(TEXTS),
        leaf=b"",
    )
    return event._replace(leaf=leaf_of_recorded(event))


def proper(row: Sequence[Any], book: int = 1) -> bytes | None:
    """The leaf that a row must have."""
    [leaf] = written.read(book, [row], Tally()).proper
    return leaf


def summed(events: Sequence[Recorded]) -> dict[tuple[str, str], int]:
    balances: dict[tuple[str, str], int] = {}
    for account, currency, amount in (posting for event in events for posting in event.postings):
        balances[account, currency] = balances.get((account, currency), 0) + amount
    return balances


@given(st.lists(events(), max_size=4))
def test_the_leaf_of_text_is_the_leaf_of_the_event(events: list[Recorded]) -> None:
    """In slices too, where the amounts of one event follow those of another with the same accounts."""
    tally = Tally()
    again = [event._replace(amounts=tuple(-7 * each for each in event.amounts)) for event in events]
    again = [event._replace(leaf=leaf_of_recorded(event)) for event in again]
    found = written.read(7, list(map(row, events + again)), tally)
    assert list(found.proper) == [event.leaf for event in events + again] == list(found.leaves)
    tally.add(found.postings.slots, found.postings.amounts_minor)
    assert tally.balances == summed(events + again)


@given(events(), events())
def test_two_events_have_two_leaves(one: Recorded, other: Recorded) -> None:
    assume(row(one)[3:] != row(other)[3:])
    assert proper(row(one), 7) != proper(row(other), 7)


ELEMENT = st.none() | st.sampled_from(
    ["", "a", "b", "a,b", '"', '"a"', "{a}", "NULL", "null", " a", "\\", 'a","b', "1", "=", "]={"]
)
COLUMN = st.lists(ELEMENT, max_size=3) | st.lists(st.lists(ELEMENT, min_size=1, max_size=2), min_size=1, max_size=2)


@given(
    COLUMN,
    COLUMN,
    COLUMN | st.lists(st.integers(-9, 9), max_size=3),
    st.lists(st.tuples(WORDS | st.sampled_from("ab"), WORDS, WEI), max_size=3),
)
def test_no_forged_arrays_have_the_leaf_of_proper_ones(
    accounts: list[Any], currencies: list[Any], amounts: list[Any], true: list[tuple[str, str, int]]
) -> None:
    columns = [list(column) for column in zip(*true, strict=True)] if true else [[], [], []]
    forged, genuine = [*map(array, (accounts, currencies, amounts))], [*map(array, columns)]
    assume(forged != genuine)
    assert proper(posting(*forged)) != proper(posting(*genuine))


def posting(*arrays: Any) -> list[Any]:
    """A row with these postings."""
    start = [1, sent(FOREVER), b"", "s", "1", "t", "1", sent(FOREVER), None, None, "a", None]
    return [*start, *arrays, "{}"]


PLAIN = ("{a,b}", "{USD,USD}", "{1,-1}")


FORGED = [
    ("{a,b,c}", "{USD,USD}", "{1,-1}"),  # ragged: an account without an amount
    ("{a,b}", "{USD,USD}", "{1,-1,0}"),
    ("{}", "{USD}", "{1}"),
    ("{a,b}", "{USD,USD}", "{}"),
    ("{a,b}", "{USD,USD}", "{1,NULL}"),
    ("{a,b}", "{USD,USD}", "{1.0,-1.0}"),
    ("{a,b}", "{USD,USD}", "{NaN,NaN}"),
    ("{a,b}", "{USD,USD}", '{"1","-1"}'),
    ("{a,b}", "{USD,USD}", "{{1,-1}}"),
    ("{a,b}", "{USD,USD}", "[0:1]={1,-1}"),
    ("{a,b}", "{USD,USD}", "{1,true}"),
    ("{a,b}", "{USD,USD}", "{1,}"),
    ("{a,b}", "{USD,USD}", "{[1,-1]}"),
    (None, "{USD,USD}", "{1,-1}"),
    ("{a}", "{USD}", "??"),  # a column that is no array any more
]


@pytest.mark.parametrize("forged", FORGED)
def test_postings_that_no_store_wrote_have_no_leaf_at_all(forged: tuple[Any, Any, Any]) -> None:
    assert proper(posting(*PLAIN)) is not None
    assert proper(posting(*forged)) is None
    neighbours = [posting(*arrays) for arrays in (PLAIN, forged, PLAIN)]
    assert [leaf is None for leaf in written.read(1, neighbours, Tally()).proper] == [False, True, False]


def test_amounts_that_are_whole_only_together_have_no_leaf() -> None:
    rows = [posting("{a}", "{USD}", "{[1}"), posting("{a}", "{USD}", "{2]}"), posting("{a}", "{USD}", "{3}")]
    assert [leaf is None for leaf in written.read(1, rows, Tally()).proper] == [True, True, False]


@pytest.mark.parametrize("column", [3, 4, 5, 6, 7, 10, 15])
def test_a_field_that_is_null_but_may_not_be_has_no_leaf(column: int) -> None:
    good = posting(*PLAIN)
    good[column] = None
    assert proper(good) is None


@pytest.mark.parametrize("column", [8, 9, 11])
def test_null_is_not_the_empty_text(column: int) -> None:
    good = posting(*PLAIN)
    empty = [*good]
    empty[column] = ""
    assert proper(good) != proper(empty)
