"""The way back to the buyer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.ledger.errors import Rejected
from libs.ledger.journal import Posting, check
from services.payment.domain import PAYMENT
from services.payment.domain import events as e
from services.payment.domain.refunds import DoubtRefund, RefuseRefund
from tests.unit.payment.given import (
    CAPTURED,
    INTENT,
    NOON,
    PAYMENT_ID,
    REQUESTED,
    after,
    record_refund,
    refund_id,
    request_refund,
)

PAID = [REQUESTED, INTENT, CAPTURED]
DOUBT = DoubtRefund(at=NOON, payment_id=PAYMENT_ID, refund_id=refund_id(), reason="silence")
REFUSE = RefuseRefund(at=NOON, payment_id=PAYMENT_ID, refund_id=refund_id(), code="charge_disputed")


def _types(events: Sequence[e.PaymentEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def _status(events: Sequence[e.PaymentEvent]) -> str | None:
    return PAYMENT.fold([*PAID, *events]).status


def test_a_refund_is_requested_once() -> None:
    [requested] = after(PAID, request_refund(4_000), request_refund(4_000))
    assert isinstance(requested, e.RefundRequested)
    assert (requested.amount_minor, requested.intent_id) == (4_000, "pi_1")


def test_a_whole_refund_ends_in_refunded_and_moves_the_money_once() -> None:
    events = after(PAID, request_refund(4_000), record_refund("succeeded"), record_refund("succeeded"))
    assert _types(events) == ["RefundRequested", "RefundSucceeded"]
    assert events[1].postings() == (
        Posting("refunds:payable", "EUR", 4_000),
        Posting("stripe:platform", "EUR", -4_000),
    )
    assert _status(events) == "refunded"


def test_refunds_of_parts_add_up() -> None:
    parts = after(PAID, request_refund(1_000), record_refund("succeeded"))
    assert _status(parts) == "partially_refunded"
    rest = after([*PAID, *parts], request_refund(3_000, 2), record_refund("succeeded", 2))
    assert _status([*parts, *rest]) == "refunded"


def test_more_than_is_left_is_refused_counting_what_is_on_its_way() -> None:
    with pytest.raises(Rejected, match="only 1000 are left") as refused:
        after(PAID, request_refund(3_000), request_refund(1_001, 2))
    assert refused.value.code == "refund_too_large"


def test_what_a_failed_refund_asked_for_may_be_asked_for_again() -> None:
    events = after(PAID, request_refund(4_000), REFUSE, request_refund(4_000, 2))
    assert _types(events) == ["RefundRequested", "RefundFailed", "RefundRequested"]


def test_an_uncaptured_payment_is_not_refunded() -> None:
    with pytest.raises(Rejected) as refused:
        after([REQUESTED, INTENT], request_refund(1))
    assert refused.value.code == "not_captured"


def test_a_pending_refund_succeeds_later() -> None:
    events = after(PAID, request_refund(4_000), record_refund("pending"), record_refund("pending"))
    assert _types(events) == ["RefundRequested", "RefundPending"]
    assert _types(after([*PAID, *events], record_refund("succeeded"))) == ["RefundSucceeded"]


def test_silence_is_kept_as_unknown_once_and_ends_with_the_answer() -> None:
    events = after(PAID, request_refund(4_000), DOUBT, DOUBT, record_refund("succeeded"), DOUBT)
    assert _types(events) == ["RefundRequested", "RefundOutcomeUnknown", "RefundSucceeded"]


def test_a_refused_refund_fails_and_moves_nothing() -> None:
    requested, failed = after(PAID, request_refund(4_000), REFUSE, REFUSE)
    assert failed.postings() == ()
    assert _status([requested, failed]) == "captured"


def test_a_refund_that_the_bank_sends_back_is_owed_again() -> None:
    events = after(PAID, request_refund(4_000), record_refund("succeeded"), record_refund("failed", code="lost_card"))
    returned = events[-1]
    assert isinstance(returned, e.RefundFailed)
    assert (returned.code, returned.refunded_minor) == ("lost_card", 0)
    assert set(returned.postings()) == {Posting(a, c, -m) for a, c, m in events[1].postings()}
    assert _status(events) == "captured"


@pytest.mark.parametrize("late", [record_refund("pending"), record_refund("succeeded"), REFUSE, DOUBT])
def test_what_is_told_late_about_a_failed_refund_changes_nothing(late: Any) -> None:
    failed = after(PAID, request_refund(4_000), record_refund("failed", code="lost_card"))
    assert after([*PAID, *failed], late) == []


def test_a_refund_that_nobody_requested_is_refused() -> None:
    with pytest.raises(Rejected) as refused:
        after(PAID, record_refund("succeeded"))
    assert refused.value.code == "unknown_refund"


TOLD = st.tuples(st.integers(1, 3), st.sampled_from(["pending", "succeeded", "failed"]))


@given(amounts=st.lists(st.integers(1, 2_000), min_size=3, max_size=3), told=st.lists(TOLD, max_size=12))
def test_whatever_is_told_in_whatever_order_the_journal_matches_what_counts_as_refunded(
    amounts: list[int], told: list[tuple[int, str]]
) -> None:
    events: list[e.PaymentEvent] = list(PAID)
    for number, amount_minor in enumerate(amounts, 1):
        try:
            events += after(events, request_refund(amount_minor, number))
        except Rejected:
            assert amount_minor > 4_000 - sum(amounts[: number - 1])
            told = [each for each in told if each[0] != number]
            amounts = [*amounts[: number - 1], 0, *amounts[number:]]
    for number, status in told:
        events += after(events, record_refund(status, number))
    for event in events:
        check(event.postings())
    paid_back_minor = -sum(
        posting.amount_minor
        for event in events[3:]
        for posting in event.postings()
        if posting.account == "stripe:platform"
    )
    state = PAYMENT.fold(events)
    assert paid_back_minor == state.refunds_minor("succeeded") <= 4_000
    assert (state.status == "captured") == (paid_back_minor == 0)
    assert (state.status == "refunded") == (paid_back_minor == 4_000)
