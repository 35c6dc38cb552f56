from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.ledger import journal
from libs.ledger.errors import Conflict
from libs.ledger.journal import Posting
from services.payout_scheduler.domain.reversal import (
    LACKING,
    REVERSAL,
    NoteKept,
    NoteKeptMoved,
    NoteReversalRefused,
    NoteReversalUnknown,
    NoteReversed,
    NoteShort,
    RequestReversal,
    ReversalRequested,
    ReversalShort,
    ReversalState,
    ReversalTold,
    StartReversal,
    TransferReversed,
)
from tests.unit.payout_scheduler.given import CALL, CLAWBACK, NOON, RELEASE, after, hour, names, then

REQUEST = RequestReversal(clawback=CLAWBACK, at=NOON)
START = StartReversal(call=CALL, at=hour(1))
BACK = NoteReversed(number=1, stripe_reversal="trr_1", at=hour(2))
UNKNOWN = NoteReversalUnknown(number=1, reason="silence", at=hour(2))
LACKS = NoteReversalRefused(number=1, code=LACKING, reason="too little", at=hour(2))
SHORT = NoteShort(reason="too little", at=hour(3))


def kept(amount_minor: int) -> NoteKept:
    return NoteKept(transfer_id=UUID(int=5), amount_minor=amount_minor, at=hour(1))


def start(number: int, amount_minor: int) -> StartReversal:
    return StartReversal(call=replace(CALL, number=number, amount_minor=amount_minor), at=hour(number))


def state(*story: Any) -> ReversalState:
    return REVERSAL.fold(after(REVERSAL, *story))


def test_a_clawback_is_asked_for_once() -> None:
    assert then(REVERSAL, [], REQUEST) == [ReversalRequested(at=NOON, clawback=CLAWBACK)]
    assert then(REVERSAL, [REQUEST], REQUEST) == []


def test_what_the_seller_owes_altogether_is_told_at_once() -> None:
    owed = replace(REQUEST, clawback=replace(CLAWBACK, amount_minor=0))
    assert names(then(REVERSAL, [], owed)) == ["ReversalRequested", "ReversalTold"]
    assert then(REVERSAL, [owed], SHORT) == []


def test_a_reversal_brings_money_from_the_seller_to_the_platform() -> None:
    [back] = then(REVERSAL, [REQUEST, START], BACK)
    now = replace(CLAWBACK, reversed_minor=3_000)
    assert back == TransferReversed(at=hour(2), clawback=now, call=CALL, stripe_reversal="trr_1")
    assert back.postings() == (
        Posting("stripe:platform", "EUR", 3_000),
        Posting("stripe:connected:anna", "EUR", -3_000),
    )
    journal.check(back.postings())
    assert then(REVERSAL, [REQUEST, START, BACK], BACK) == []


def test_it_is_told_once_when_nothing_is_left() -> None:
    story = [REQUEST, kept(2_000), START]
    assert then(REVERSAL, story, BACK)[1:] == [
        ReversalTold(
            at=hour(2),
            clawback=replace(CLAWBACK, kept_minor=2_000, reversed_minor=3_000),
            amount_minor=3_000,
            short_minor=0,
        )
    ]
    assert names(then(REVERSAL, [REQUEST], kept(5_000))) == ["MoneyKept", "ReversalTold"]


def test_one_call_at_a_time_each_under_its_own_number_and_for_what_is_left() -> None:
    assert names(then(REVERSAL, [REQUEST], START)) == ["ReversalStarted"]
    assert then(REVERSAL, [REQUEST, START], START) == []
    assert then(REVERSAL, [REQUEST], start(2, 3_000)) == []
    assert then(REVERSAL, [REQUEST], start(1, 5_001)) == []
    assert names(then(REVERSAL, [REQUEST, START, BACK], start(2, 2_000))) == ["ReversalStarted"]
    assert then(REVERSAL, [REQUEST, START, BACK], start(2, 2_001)) == []


def test_no_answer_is_one_event_and_keeps_the_number() -> None:
    assert names(then(REVERSAL, [REQUEST, START], UNKNOWN)) == ["ReversalOutcomeUnknown"]
    assert then(REVERSAL, [REQUEST, START, UNKNOWN], UNKNOWN) == []
    assert state(REQUEST, START, UNKNOWN).call == CALL
    assert then(REVERSAL, [REQUEST, START, UNKNOWN], start(2, 1_000)) == [], "nobody knows that it failed"
    assert names(then(REVERSAL, [REQUEST, START, UNKNOWN], BACK)) == ["TransferReversed"]


def test_a_refusal_advances_the_number_and_what_is_short_is_told_once_and_tried_for_ever() -> None:
    story = [REQUEST, START, LACKS]
    assert state(*story).number == 2
    short, told = then(REVERSAL, story, SHORT)
    assert isinstance(short, ReversalShort)
    assert (short.short_minor, short.retry_at) == (5_000, hour(3) + timedelta(minutes=10))
    assert isinstance(told, ReversalTold)
    assert (told.amount_minor, told.short_minor) == (0, 5_000)
    [again] = then(REVERSAL, [*story, SHORT], SHORT)
    assert isinstance(again, ReversalShort)
    assert again.retry_at == hour(3) + timedelta(minutes=20)
    later = [*story, SHORT, start(2, 5_000)]
    assert names(then(REVERSAL, later, replace(BACK, number=2))) == ["TransferReversed"], "told before"


def test_while_a_call_may_have_its_effect_nothing_else_is_decided() -> None:
    with pytest.raises(Conflict):
        then(REVERSAL, [REQUEST, START], kept(1_000))
    with pytest.raises(Conflict):
        then(REVERSAL, [REQUEST], kept(5_001))
    assert then(REVERSAL, [REQUEST, START], SHORT) == []


def test_what_was_to_be_kept_and_moved_is_to_be_brought_back() -> None:
    moved = NoteKeptMoved(transfer_id=UUID(int=5), amount_minor=5_000, at=hour(2))
    story = [REQUEST, kept(5_000), moved]
    assert state(*story).left_minor == 5_000
    assert names(then(REVERSAL, [*story, start(1, 5_000)], BACK)) == ["TransferReversed"], "told before"


def test_after_a_refusal_no_more_is_asked_than_the_seller_has() -> None:
    fresh, lacking = state(REQUEST), state(REQUEST, START, LACKS)
    assert fresh.asking(RELEASE.transfer_id, 8_000, None) == 5_000
    assert fresh.asking(RELEASE.transfer_id, 3_000, None) == 3_000
    assert lacking.asking(RELEASE.transfer_id, 3_000, 1_200) == 1_200
    assert lacking.asking(RELEASE.transfer_id, 3_000, 9_999) == 0, "as much was refused"
    assert lacking.asking(UUID(int=6), 4_000, 9_999) == 4_000
    assert lacking.asking(UUID(int=6), 4_000, -1) == 0
    other = state(REQUEST, START, replace(LACKS, code="transfer_already_reversed"))
    assert other.asking(RELEASE.transfer_id, 100, 9_999) == 0
    assert state(REQUEST, START, LACKS, SHORT).asking(RELEASE.transfer_id, 3_000, None) == 3_000


NEWS = st.builds(
    lambda make, number, amount: make(number, amount),
    st.sampled_from(
        [
            start,
            lambda number, _: replace(BACK, number=number),
            lambda number, _: replace(UNKNOWN, number=number),
            lambda number, _: replace(LACKS, number=number),
            lambda *_: SHORT,
            lambda *_: REQUEST,
        ]
    ),
    st.integers(1, 5),
    st.integers(1, 6_000),
)


@given(st.lists(NEWS, max_size=40))
def test_in_whatever_order_news_come_nothing_is_brought_back_twice_or_told_twice(news: list[Any]) -> None:
    events = after(REVERSAL, REQUEST, *news)
    back = [event for event in events if isinstance(event, TransferReversed)]
    assert sum(event.call.amount_minor for event in back) == events[-1].clawback.reversed_minor <= 5_000
    assert len({event.call.number for event in back}) == len(back)
    told = [event for event in events if isinstance(event, ReversalTold)]
    assert len(told) == int(
        any(isinstance(event, ReversalShort) for event in events) or not events[-1].clawback.left_minor
    )
