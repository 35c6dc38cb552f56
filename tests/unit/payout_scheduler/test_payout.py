from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.ledger import journal
from libs.ledger.journal import Posting
from services.payout_scheduler.domain.payout import (
    PAYOUT,
    NotePayoutFailed,
    NotePayoutPaid,
    NotePayoutSubmitted,
    NotePayoutUnknown,
    PayoutFailed,
    PayoutOutcomeUnknown,
    PayoutPaid,
    PayoutReturned,
    PayoutStarted,
    PayoutSubmitted,
    StartPayout,
    needs_person,
    retry_after,
)
from tests.unit.payout_scheduler.given import CLAIM, NOON, after, again, hour, names, then

START = StartPayout(claim=CLAIM, at=NOON)
UNKNOWN = NotePayoutUnknown(attempt=1, reason="silence", at=hour(1))
SUBMITTED = NotePayoutSubmitted(attempt=1, stripe_payout="po_1", at=hour(1))
PAID = NotePayoutPaid(attempt=1, stripe_payout="po_1", at=hour(2))
FAILED = NotePayoutFailed(attempt=1, code="insufficient_funds", reason="no", attempts_max=3, at=hour(2))
AGAIN = StartPayout(claim=again(), at=hour(3))


def test_a_payout_claims_the_sellers_money_as_it_starts() -> None:
    [started] = then(PAYOUT, [], START)
    assert started == PayoutStarted(at=NOON, claim=CLAIM)
    assert (
        started.postings()
        == (
            Posting("payouts:in_transit", "EUR", -8_000),
            Posting("seller:anna:available", "EUR", 8_000),
        )[::-1]
    )


def test_whoever_starts_it_again_starts_nothing() -> None:
    assert then(PAYOUT, [START], START) == []
    assert then(PAYOUT, [START], AGAIN) == []
    assert then(PAYOUT, [], AGAIN) == []


def test_it_is_submitted_and_paid() -> None:
    assert then(PAYOUT, [START], SUBMITTED) == [PayoutSubmitted(at=hour(1), claim=CLAIM, stripe_payout="po_1")]
    [paid] = then(PAYOUT, [START, SUBMITTED], PAID)
    assert paid == PayoutPaid(at=hour(2), claim=CLAIM, stripe_payout="po_1")
    assert paid.postings() == (
        Posting("payouts:in_transit", "EUR", 8_000),
        Posting("stripe:connected:anna", "EUR", -8_000),
    )
    assert then(PAYOUT, [START, SUBMITTED, PAID], PAID) == []
    assert then(PAYOUT, [START, SUBMITTED], SUBMITTED) == []


@pytest.mark.parametrize("before", [[START], [START, UNKNOWN]])
def test_the_news_that_it_is_paid_may_overtake_the_record_of_our_call(before: list[Any]) -> None:
    assert names(then(PAYOUT, before, PAID)) == ["PayoutSubmitted", "PayoutPaid"]
    assert then(PAYOUT, [*before, PAID], SUBMITTED) == []


def test_no_answer_is_one_event_and_keeps_attempt_and_claim() -> None:
    assert then(PAYOUT, [START], UNKNOWN) == [PayoutOutcomeUnknown(at=hour(1), claim=CLAIM, reason="silence")]
    assert then(PAYOUT, [START, UNKNOWN], UNKNOWN) == []
    assert then(PAYOUT, [START, SUBMITTED], UNKNOWN) == []
    assert then(PAYOUT, [START, UNKNOWN], replace(AGAIN, at=hour(99))) == [], "nobody knows that it failed"


@pytest.mark.parametrize("before", [[START], [START, UNKNOWN], [START, SUBMITTED]])
def test_a_failure_gives_the_money_back_and_names_the_next_try(before: list[Any]) -> None:
    [failed] = then(PAYOUT, before, FAILED)
    assert isinstance(failed, PayoutFailed)
    assert failed.retry_at == hour(2) + timedelta(hours=1)
    assert failed.postings() == (
        Posting("payouts:in_transit", "EUR", 8_000),
        Posting("seller:anna:available", "EUR", -8_000),
    )


def test_the_next_try_waits_for_its_hour_and_may_claim_less() -> None:
    assert then(PAYOUT, [START, FAILED], replace(AGAIN, at=hour(2.9))) == []
    assert then(PAYOUT, [START, FAILED], replace(AGAIN, claim=again(attempt=3))) == []
    less = StartPayout(claim=again(5_000), at=hour(3))
    assert then(PAYOUT, [START, FAILED], less) == [PayoutStarted(at=hour(3), claim=again(5_000))]
    state = PAYOUT.fold(after(PAYOUT, START, FAILED, less))
    assert (state.status, state.started_at, state.code) == ("scheduled", NOON, None)


@pytest.mark.parametrize("late", [UNKNOWN, SUBMITTED, PAID, FAILED])
def test_news_of_an_attempt_that_is_over_changes_nothing(late: object) -> None:
    assert then(PAYOUT, [START, FAILED], late) == []
    assert then(PAYOUT, [START, FAILED, AGAIN], late) == []


@pytest.mark.parametrize("stray", [UNKNOWN, SUBMITTED, PAID, FAILED])
def test_nothing_is_noted_of_a_payout_that_nobody_started(stray: object) -> None:
    assert then(PAYOUT, [], stray) == []


def test_when_the_tries_are_used_up_a_person_must_act() -> None:
    last = replace(FAILED, attempts_max=1)
    [failed] = then(PAYOUT, [START], last)
    assert isinstance(failed, PayoutFailed)
    assert failed.retry_at is None
    state = PAYOUT.fold(after(PAYOUT, START, last))
    assert needs_person(state.status, state.retry_at)
    assert then(PAYOUT, [START, last], replace(AGAIN, at=hour(999))) == []


def test_what_the_bank_refuses_waits_for_another_bank_account_and_no_clock() -> None:
    closed = replace(FAILED, code="account_closed")
    [failed] = then(PAYOUT, [START], closed)
    assert isinstance(failed, PayoutFailed)
    assert (failed.retry_at, failed.waits_for_bank) == (None, True)
    state = PAYOUT.fold(after(PAYOUT, START, closed))
    assert needs_person(state.status, state.retry_at)
    assert names(then(PAYOUT, [START, closed], AGAIN)) == ["PayoutStarted"]
    [last] = then(PAYOUT, [START], replace(closed, attempts_max=1))
    assert isinstance(last, PayoutFailed)
    assert not last.waits_for_bank


def test_what_was_canceled_is_not_tried_again() -> None:
    canceled = replace(FAILED, code="canceled")
    [failed] = then(PAYOUT, [START, SUBMITTED], canceled)
    assert isinstance(failed, PayoutFailed)
    assert (failed.retry_at, failed.waits_for_bank) == (None, False)
    assert then(PAYOUT, [START, canceled], replace(AGAIN, at=hour(999))) == []


def test_a_bank_may_send_back_what_had_been_paid() -> None:
    [returned] = then(PAYOUT, [START, SUBMITTED, PAID], FAILED)
    assert returned == PayoutReturned(
        at=hour(2), claim=CLAIM, stripe_payout="po_1", code="insufficient_funds", reason="no"
    )
    assert returned.postings() == (
        Posting("stripe:connected:anna", "EUR", 8_000),
        Posting("seller:anna:available", "EUR", -8_000),
    )
    state = PAYOUT.fold(after(PAYOUT, START, PAID, FAILED))
    assert needs_person(state.status, state.retry_at)
    assert then(PAYOUT, [START, PAID, FAILED], FAILED) == []


def test_pauses_grow() -> None:
    assert [retry_after(attempt) for attempt in (1, 2, 3)] == [timedelta(hours=n) for n in (1, 4, 16)]


NEWS = st.builds(
    lambda kind, attempt, minutes: kind(attempt, hour(minutes / 60)),
    st.sampled_from(
        [
            lambda n, at: StartPayout(claim=replace(CLAIM, attempt=n), at=at),
            lambda n, at: NotePayoutUnknown(attempt=n, reason="silence", at=at),
            lambda n, at: NotePayoutSubmitted(attempt=n, stripe_payout=f"po_{n}", at=at),
            lambda n, at: NotePayoutPaid(attempt=n, stripe_payout=f"po_{n}", at=at),
            lambda n, at: NotePayoutFailed(attempt=n, code="x", reason="x", attempts_max=3, at=at),
            lambda n, at: NotePayoutFailed(attempt=n, code="balance_insufficient", reason="x", attempts_max=3, at=at),
        ]
    ),
    st.integers(1, 4),
    st.integers(0, 6_000),
)


@given(st.lists(NEWS, max_size=30))
def test_in_whatever_order_news_come_money_is_claimed_once_and_in_one_place(news: list[Any]) -> None:
    balances: dict[str, int] = {"seller:anna:available": -8_000, "stripe:connected:anna": 8_000}
    events = after(PAYOUT, START, *news)
    for event in events:
        journal.check(event.postings())
        for account, _, amount in event.postings():
            balances[account] = balances.get(account, 0) + amount
        assert balances["seller:anna:available"] <= 0, "never more than was there"
    attempts = [event.claim.attempt for event in events if isinstance(event, PayoutStarted)]
    assert attempts == list(range(1, len(attempts) + 1))
    assert len(attempts) <= 3
    place = {
        "scheduled": "payouts:in_transit",
        "unknown": "payouts:in_transit",
        "submitted": "payouts:in_transit",
        "failed": "seller:anna:available",
        "returned": "seller:anna:available",
    }.get(PAYOUT.fold(events).status)
    held = {account: amount for account, amount in balances.items() if amount}
    assert held == ({} if place is None else {place: -8_000, "stripe:connected:anna": 8_000})
