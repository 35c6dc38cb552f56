"""A buyer contests a payment: what is told in whatever order comes to the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.ledger.errors import NotFound, Rejected
from libs.ledger.journal import check
from services.payment.domain import PAYMENT
from services.payment.domain import chargeback_events as c
from services.payment.domain import events as e
from services.payment.domain.refunds import RefuseRefund
from services.payment.domain.report import DisputeReport
from tests.unit.payment.contested import (
    ACCEPT,
    ASKED,
    CHARGEBACK_ID,
    LOST,
    PAID,
    REVIEWED,
    TAKEN,
    WITHDRAWN,
    WON,
    WON_UNPAID,
    arrived,
    give,
    tell,
    warn,
)
from tests.unit.payment.given import (
    INTENT,
    LATER,
    NOON,
    PAYMENT_ID,
    REQUESTED,
    after,
    record_refund,
    refund_id,
    request_refund,
)

REFUSE = RefuseRefund(at=NOON, payment_id=PAYMENT_ID, refund_id=refund_id(), code="charge_disputed")


def _types(events: Sequence[e.PaymentEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def _balances(events: Sequence[e.PaymentEvent]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for event in events:
        check(event.postings())
        for account, _, amount_minor in event.postings():
            totals[account] += amount_minor
    return {account: amount_minor for account, amount_minor in totals.items() if amount_minor}


UNBOOKED = replace(ASKED, status="open")
TURNS: list[tuple[str, list[DisputeReport], list[str]]] = [
    ("an inquiry opens once", [ASKED, ASKED], ["InquiryOpened"]),
    ("an inquiry ends", [ASKED, WITHDRAWN, WITHDRAWN, ASKED], ["InquiryOpened", "InquiryClosed"]),
    ("an inquiry first heard of at its end", [WITHDRAWN, ASKED], ["InquiryOpened", "InquiryClosed"]),
    ("an inquiry answered", [ASKED, replace(ASKED, under_review=True)], ["InquiryOpened", "ContestChanged"]),
    ("an inquiry becomes a chargeback", [ASKED, TAKEN, ASKED], ["InquiryOpened", "ChargebackOpened"]),
    ("an ended inquiry becomes one", [WITHDRAWN, TAKEN], ["InquiryOpened", "InquiryClosed", "ChargebackOpened"]),
    ("a chargeback opens once", [TAKEN, TAKEN], ["ChargebackOpened"]),
    ("one whose money is booked later", [UNBOOKED, TAKEN], ["InquiryOpened", "ChargebackOpened"]),
    ("one that took nothing is no loss", [replace(UNBOOKED, status="lost")], ["InquiryOpened", "InquiryClosed"]),
    ("a chargeback under review", [TAKEN, REVIEWED, REVIEWED], ["ChargebackOpened", "ContestChanged"]),
    ("a chargeback won", [TAKEN, WON, WON], ["ChargebackOpened", "ChargebackWon"]),
    ("a win waits for its money", [TAKEN, WON_UNPAID], ["ChargebackOpened", "ContestChanged"]),
    ("a win, then its money", [TAKEN, WON_UNPAID, WON], ["ChargebackOpened", "ContestChanged", "ChargebackWon"]),
    ("a chargeback lost", [TAKEN, LOST, LOST], ["ChargebackOpened", "ChargebackLost"]),
    ("one first heard of when it is lost", [LOST, TAKEN, ASKED], ["ChargebackOpened", "ChargebackLost"]),
    ("one first heard of when it is won", [WON, TAKEN, WITHDRAWN], ["ChargebackOpened", "ChargebackWon"]),
    ("a decided one shown as open again", [LOST, REVIEWED], ["ChargebackOpened", "ChargebackLost"]),
]  # fmt: skip


@pytest.mark.parametrize(("reports", "expected"), [turn[1:] for turn in TURNS], ids=[turn[0] for turn in TURNS])
def test_a_dispute_is_what_its_reports_come_to(reports: list[DisputeReport], expected: list[str]) -> None:
    assert _types(after(PAID, *map(tell, reports))) == expected


def test_what_the_bank_takes_is_owed_by_it_and_its_fee_is_an_expense() -> None:
    events = after(PAID, tell(TAKEN))
    assert _balances(events) == {
        "receivable:chargebacks": 4_000,
        "expense:chargebacks": 1_500,
        "stripe:platform": -5_500,
    }
    assert events[0].at == LATER


def test_a_win_brings_back_the_money_and_leaves_the_fee() -> None:
    assert _balances(after(PAID, tell(WON))) == {"expense:chargebacks": 1_500, "stripe:platform": -1_500}


def test_a_fee_that_comes_back_is_no_expense_any_more() -> None:
    assert _balances(after(PAID, tell(TAKEN), tell(replace(WON, fee_returned_minor=1_500)))) == {}


def test_what_a_win_leaves_short_and_a_second_fee_are_expenses() -> None:
    events = after(PAID, tell(TAKEN), tell(replace(WON, reinstated_minor=3_900, fee_minor=2_000)))
    assert _balances(events) == {"expense:chargebacks": 2_100, "stripe:platform": -2_100}


def test_a_loss_leaves_all_of_it_to_be_covered_by_others() -> None:
    [_, lost] = after(PAID, tell(LOST))
    assert isinstance(lost, c.ChargebackLost)
    assert (lost.to_cover_minor, lost.refunds, lost.postings()) == (4_000, (), ())


def test_a_loss_of_which_a_part_comes_back_leaves_the_rest() -> None:
    events = after(PAID, tell(TAKEN), tell(replace(LOST, reinstated_minor=1_000)))
    assert isinstance(events[-1], c.ChargebackLost)
    assert events[-1].to_cover_minor == _balances(events)["receivable:chargebacks"] == 3_000


def test_a_loss_settles_what_failed_refunds_still_owe_the_buyer_and_no_more() -> None:
    failed = after(PAID, request_refund(1_500), REFUSE, request_refund(500, 2), record_refund("succeeded", 2))
    owed = [*PAID, *failed]
    events = after(owed, tell(replace(TAKEN, withdrawn_minor=3_500)), request_refund(1_000, 3))
    events += after([*owed, *events], tell(replace(LOST, withdrawn_minor=3_500)))
    lost = events[-1]
    assert isinstance(lost, c.ChargebackLost)
    assert [(each.refund_id, each.amount_minor) for each in lost.refunds] == [
        (refund_id(1), 1_500),
        (refund_id(3), 1_000),
    ]
    assert lost.to_cover_minor == _balances(events)["receivable:chargebacks"] == 1_000
    refunds = PAYMENT.fold([*owed, *events]).refunds
    assert [refunds[refund_id(number)].status for number in (1, 2, 3)] == ["settled", "succeeded", "settled"]


def test_a_small_loss_settles_a_part_of_what_is_owed() -> None:
    past = [*PAID, *after(PAID, request_refund(4_000), REFUSE)]
    [_, lost] = after(past, tell(replace(LOST, amount_minor=1_000, withdrawn_minor=1_000)))
    assert isinstance(lost, c.ChargebackLost)
    assert lost.to_cover_minor == 0
    assert [(each.amount_minor, each.owed_minor) for each in lost.refunds] == [(1_000, 3_000)]
    refund = PAYMENT.fold([*past, _, lost]).refunds[refund_id()]
    assert (refund.status, refund.owed_minor) == ("failed", 3_000)


def test_a_loss_waits_until_it_is_known_whether_a_refund_was_made() -> None:
    past = [*PAID, *after(PAID, request_refund(4_000))]
    with pytest.raises(Rejected) as waiting:
        after(past, tell(LOST))
    assert waiting.value.code == "refund_under_way"
    assert _types(after(past, REFUSE, tell(LOST))) == ["RefundFailed", "ChargebackOpened", "ChargebackLost"]


@pytest.mark.parametrize(
    ("past", "turn"),
    [(LOST, WON), (WON, LOST), (LOST, replace(LOST, reinstated_minor=100))],
    ids=["won", "lost", "less"],
)
def test_another_decision_after_the_decision_is_for_a_person_to_see(past: DisputeReport, turn: DisputeReport) -> None:
    with pytest.raises(Rejected) as strange:
        after(PAID, tell(past), tell(turn))
    assert strange.value.code == "unexpected_dispute"


def test_a_dispute_waits_for_the_payment_it_is_about() -> None:
    with pytest.raises(Rejected) as early:
        after([REQUESTED, INTENT], tell(TAKEN))
    assert early.value.code == "not_captured"


def test_a_dispute_in_another_currency_is_for_a_person_to_see() -> None:
    with pytest.raises(Rejected) as strange:
        after(PAID, tell(replace(TAKEN, currency="USD")))
    assert strange.value.code == "unexpected_dispute"


def test_two_disputes_of_one_payment_are_two() -> None:
    first, second = (
        replace(TAKEN, dispute_id=name, amount_minor=1_000, withdrawn_minor=1_000) for name in ("du_1", "du_2")
    )
    events = after(PAID, tell(first), tell(second), tell(replace(second, status="lost")), tell(first))
    assert _types(events) == ["ChargebackOpened", "ChargebackOpened", "ChargebackLost"]
    statuses = [each.status for each in PAYMENT.fold([*PAID, *events]).chargebacks.values()]
    assert statuses == ["open", "lost"]


def test_an_issuers_warning_is_heard_once() -> None:
    assert _types(after(PAID, warn(), warn(), warn("issfr_2"))) == ["FraudWarned", "FraudWarned"]


def test_a_chargeback_is_accepted_once_and_answered_no_more() -> None:
    events = after(PAID, tell(TAKEN), ACCEPT, ACCEPT)
    assert _types(events) == ["ChargebackOpened", "ChargebackAccepted"]
    with pytest.raises(Rejected) as late:
        after([*PAID, *events], give())
    assert late.value.code == "chargeback_accepted"


UNACCEPTABLE: list[tuple[str, list[Any], str]] = [
    ("unknown", [], "unknown_chargeback"),
    ("inquiry", [tell(ASKED)], "inquiry"),
    ("lost", [tell(LOST)], "chargeback_closed"),
    ("under review", [tell(REVIEWED)], "under_review"),
    ("answered", [tell(TAKEN), give(), arrived()], "under_review"),
]


@pytest.mark.parametrize(("past", "code"), [row[1:] for row in UNACCEPTABLE], ids=[row[0] for row in UNACCEPTABLE])
def test_what_cannot_be_accepted_is_refused_with_the_reason(past: list[Any], code: str) -> None:
    with pytest.raises(NotFound if code == "unknown_chargeback" else Rejected) as refused:
        after(PAID, *past, ACCEPT)
    assert refused.value.code == code


FINAL = {"won": WON, "lost": LOST, "withdrawn": WITHDRAWN}


@given(
    told=st.lists(st.sampled_from([ASKED, TAKEN, REVIEWED, WON_UNPAID]), max_size=8),
    final=st.sampled_from(sorted(FINAL)),
    late=st.lists(st.sampled_from([ASKED, TAKEN, REVIEWED]), max_size=3),
)
def test_in_whatever_order_a_dispute_is_told_its_end_decides_the_money(
    told: list[DisputeReport], final: str, late: list[DisputeReport]
) -> None:
    if final == "withdrawn":  # an inquiry that ended took nothing before
        told = [ASKED for _ in told]
        late = [ASKED for _ in late]
    events = after(PAID, *map(tell, [*told, FINAL[final], *late]))
    balances = _balances(events)
    chargeback = PAYMENT.fold([*PAID, *events]).chargebacks[CHARGEBACK_ID]
    assert chargeback.status == final
    assert balances.get("receivable:chargebacks", 0) == (4_000 if final == "lost" else 0)
    assert -balances.get("stripe:platform", 0) == {"won": 1_500, "lost": 5_500, "withdrawn": 0}[final]
    assert _types(events).count("ChargebackOpened") == (final != "withdrawn")
