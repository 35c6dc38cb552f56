"""A refund that failed is tried again when a person says so, and never on top of a chargeback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from libs.ledger.errors import Rejected
from services.payment.domain import PAYMENT
from services.payment.domain import events as e
from services.payment.domain.refunds import DoubtRefund, RecordRefund, RefuseRefund, RetryRefund
from services.payment.domain.report import RefundReport
from tests.unit.payment.contested import ASKED, LOST, PAID, TAKEN, WON, tell, warn
from tests.unit.payment.given import NOON, PAYMENT_ID, after, record_refund, refund_id, request_refund

RETRY = RetryRefund(at=NOON, payment_id=PAYMENT_ID, refund_id=refund_id())
REFUSE = RefuseRefund(at=NOON, payment_id=PAYMENT_ID, refund_id=refund_id(), code="charge_disputed")
DOUBT = DoubtRefund(at=NOON, payment_id=PAYMENT_ID, refund_id=refund_id(), reason="silence")
BOUNCED: list[Any] = [request_refund(4_000), record_refund("succeeded"), record_refund("failed", code="lost_card")]


def _types(events: Sequence[e.PaymentEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def _second(status: Any) -> RecordRefund:
    report = RefundReport(processor_id="re_1b", created_at=NOON, status=status)
    return RecordRefund(at=NOON, payment_id=PAYMENT_ID, refund_id=refund_id(), report=report)


@pytest.mark.parametrize("past", [[request_refund(4_000), REFUSE], BOUNCED], ids=["refused", "bounced"])
def test_a_failed_refund_is_tried_again_under_the_next_key(past: list[Any]) -> None:
    events = after(PAID, *past, RETRY, _second("succeeded"))
    requested, succeeded = events[-2:]
    assert isinstance(requested, e.RefundRequested)
    assert (requested.attempt, requested.amount_minor) == (2, 4_000)
    assert isinstance(succeeded, e.RefundSucceeded)
    assert (succeeded.attempt, succeeded.processor_id) == (2, "re_1b")
    assert PAYMENT.fold([*PAID, *events]).status == "refunded"


@pytest.mark.parametrize(
    "late", [record_refund("failed"), record_refund("succeeded"), REFUSE, DOUBT], ids=["failed", "succeeded", "no", "?"]
)
def test_what_is_told_late_of_the_first_try_does_not_touch_the_second(late: Any) -> None:
    assert after([*PAID, *after(PAID, *BOUNCED, RETRY)], late) == []


@pytest.mark.parametrize(
    "past",
    [
        [request_refund(4_000)],
        [request_refund(4_000), DOUBT],
        [request_refund(4_000), record_refund("pending")],
        [request_refund(4_000), record_refund("succeeded")],
    ],
    ids=["requested", "unknown", "pending", "succeeded"],
)
def test_what_may_still_succeed_is_not_tried_again(past: list[Any]) -> None:
    with pytest.raises(Rejected) as refused:
        after(PAID, *past, RETRY)
    assert refused.value.code == "refund_not_failed"


def test_what_was_refunded_otherwise_meanwhile_is_not_tried_again() -> None:
    with pytest.raises(Rejected) as refused:
        after(PAID, request_refund(4_000), REFUSE, request_refund(4_000, 2), RETRY)
    assert refused.value.code == "refund_too_large"


@pytest.mark.parametrize("dispute", [TAKEN, LOST], ids=["open", "lost"])
def test_while_the_bank_has_the_money_a_refund_fails_without_a_call_and_is_not_tried_again(dispute: Any) -> None:
    events = after(PAID, tell(dispute), request_refund(1_000), request_refund(1_000))
    withheld = events[-1]
    assert isinstance(withheld, e.RefundWithheld)
    assert (withheld.code, withheld.postings()) == ("charge_disputed", ())
    with pytest.raises(Rejected) as refused:
        after([*PAID, *events], RETRY)
    assert refused.value.code == "charge_disputed"


def test_after_a_win_the_withheld_refund_is_made() -> None:
    events = after(PAID, tell(TAKEN), request_refund(1_000), tell(WON), RETRY, _second("succeeded"))
    assert _types(events)[-2:] == ["RefundRequested", "RefundSucceeded"]


@pytest.mark.parametrize("past", [tell(ASKED), warn()], ids=["inquiry", "fraud warning"])
def test_a_refund_may_answer_an_inquiry_or_a_warning(past: Any) -> None:
    assert _types(after(PAID, past, request_refund(4_000)))[-1] == "RefundRequested"


def test_a_refund_that_a_lost_chargeback_settled_is_over() -> None:
    events = after(PAID, request_refund(4_000), REFUSE, tell(LOST))
    with pytest.raises(Rejected) as refused:
        after([*PAID, *events], RETRY)
    assert refused.value.code == "refund_not_failed"


def test_a_failure_stored_without_the_processors_id_still_keeps_its_first_try_apart() -> None:
    events = [
        replace(event, processor_id=None) if isinstance(event, e.RefundFailed) else event
        for event in after(PAID, *BOUNCED)
    ]
    assert PAYMENT.fold([*PAID, *events]).refunds[refund_id()].spent == {"re_1"}
