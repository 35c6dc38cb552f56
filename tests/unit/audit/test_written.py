"""The fast leaf is the leaf, and nothing that was forged has one."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from libs.eventstore.leaves import leaf_of_recorded
from libs.eventstore.model import Recorded
from services.audit.proofs import written
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


@given(events())
def test_the_leaf_of_text_is_the_leaf_of_the_event(event: Recorded) -> None:
    found = written.read(7, [row(event)])
    assert list(found.proper) == [event.leaf] == list(found.leaves)
    balances: defaultdict[tuple[str, str], int] = defaultdict(int)
    found.postings.fold(balances)
    expected: defaultdict[tuple[str, str], int] = defaultdict(int)
    for account, currency, amount in event.postings:
        expected[account, currency] += amount
    assert balances == expected


@given(events(), events())
def test_two_events_have_two_leaves(one: Recorded, other: Recorded) -> None:
    assume(row(one)[3:] != row(other)[3:])
    assert written.read(7, [row(one)]).proper != written.read(7, [row(other)]).proper


ELEMENT = st.none() | st.sampled_from(
    ["", "a", "b", "a,b", '"', '"a"', "{a}", "NULL", "null", " a", "\\", 'a","b', "1", "=", "]={"]
)
COLUMN = st.lists(ELEMENT, max_size=3) | st.lists(st.lists(ELEMENT, min_size=1, max_size=2), min_size=1, max_size=2)


@given(
    COLUMN,
    COLUMN,
    st.lists(st.integers(-9, 9), max_size=3),
    st.lists(st.tuples(WORDS | st.sampled_from("ab"), WORDS, WEI), max_size=3),
)
def test_no_forged_arrays_have_the_words_of_proper_ones(
    accounts: list[Any], currencies: list[Any], amounts: list[int], proper: list[tuple[str, str, int]]
) -> None:
    columns = [list(column) for column in zip(*proper, strict=True)] if proper else [[], [], []]
    assume([accounts, currencies, amounts] != columns)
    try:
        words = written.Postings().add(*map(array, (accounts, currencies, amounts)))
    except ValueError:
        return
    assert words != written.Postings().add(*map(array, columns))


PLAIN = ("{a,b}", "{USD,USD}", "{1,-1}")


@pytest.mark.parametrize(
    "forged",
    [
        ("{a,b,c}", "{USD,USD}", "{1,-1}"),  # ragged: an account without an amount
        ("{a,b}", "{USD,USD}", "{1,-1,0}"),
        ("{}", "{USD}", "{1}"),
        ("{a,b}", "{USD,USD}", "{}"),
        ("{a,b}", "{USD,USD}", "{1,NULL}"),
        ("{a,b}", "{USD,USD}", "{1.0,-1.0}"),
        ("{a,b}", "{USD,USD}", "{NaN,NaN}"),
        ("{a,b}", "{USD,USD}", '{"1","-1"}'),
        (None, "{USD,USD}", "{1,-1}"),
    ],
)
def test_postings_that_no_store_wrote_have_no_leaf_at_all(forged: tuple[Any, Any, Any]) -> None:
    good = [1, sent(FOREVER), b"", "s", "1", "t", "1", sent(FOREVER), None, None, "a", None, *PLAIN, "{}"]
    assert written.read(1, [good]).proper[0] is not None
    assert written.read(1, [[*good[:12], *forged, "{}"]]).proper == [None]


@pytest.mark.parametrize("column", [3, 4, 5, 6, 7, 10, 15])
def test_a_field_that_is_null_but_may_not_be_has_no_leaf(column: int) -> None:
    good: list[Any] = [1, b"", b"", "s", "1", "t", "1", sent(FOREVER), None, None, "a", None, *PLAIN, "{}"]
    good[column] = None
    assert written.read(1, [good]).proper == [None]


@pytest.mark.parametrize("column", [8, 9, 11])
def test_null_is_not_the_empty_text(column: int) -> None:
    good: list[Any] = [1, b"", b"", "s", "1", "t", "1", sent(FOREVER), None, None, "a", None, *PLAIN, "{}"]
    empty = [*good]
    empty[column] = ""
    assert written.read(1, [good]).proper != written.read(1, [empty]).proper
