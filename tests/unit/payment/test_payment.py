"""From the order to the captured payment, or to none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from libs.ledger.errors import Rejected
from libs.ledger.journal import Posting, check
from services.payment.domain import PAYMENT
from services.payment.domain import events as e
from services.payment.domain.order import Limits, payment_id_of
from services.payment.domain.payment import AbandonIntent, DoubtIntent, PaymentCommand, RefuseIntent
from services.payment.domain.report import Capture, IntentReport, Trial
from services.payment.domain.spending import allowance_of
from tests.unit.payment.given import (
    CANCEL,
    CANCEL_NOTED,
    CANCEL_REQUESTED,
    CANCELED,
    CAPTURED,
    DECLINED,
    EXPIRED,
    FAILED,
    INTENT,
    LATER,
    MONEY,
    NAMES,
    NOON,
    ORDER,
    PAYMENT_ID,
    PLACE,
    PROCESSING,
    REQUESTED,
    SUCCEEDED,
    WAITING,
    after,
    record,
)

ALLOWANCE = allowance_of(1, "b1", NOON, 4_000)
OPEN_PASTS = {
    "waiting": [REQUESTED, INTENT],
    "failed": [REQUESTED, INTENT, FAILED],
    "processing": [REQUESTED, INTENT, PROCESSING],
    "requires_action": [REQUESTED, INTENT, e.PaymentPending(**NAMES, status="requires_action")],
    "cancel requested": [REQUESTED, INTENT, CANCEL_REQUESTED],
}
CLOSED_PASTS = {
    "captured": [REQUESTED, INTENT, CAPTURED],
    "canceled": [REQUESTED, INTENT, CANCEL_REQUESTED, CANCELED],
    "expired": [REQUESTED, INTENT, EXPIRED],
    "refused": [REQUESTED, e.IntentRefused(**NAMES, **MONEY, attempt=1, code="amount_too_small", reason="No.")],
}
any_open_past = pytest.mark.parametrize("past", OPEN_PASTS.values(), ids=OPEN_PASTS.keys())
any_closed_past = pytest.mark.parametrize("past", CLOSED_PASTS.values(), ids=CLOSED_PASTS.keys())


def _doubt(attempt: int = 1) -> DoubtIntent:
    return DoubtIntent(at=NOON, payment_id=PAYMENT_ID, attempt=attempt, reason="silence")


def _abandon(attempt: int = 1) -> AbandonIntent:
    return AbandonIntent(at=NOON, payment_id=PAYMENT_ID, attempt=attempt, reason="500")


REFUSE = RefuseIntent(at=NOON, payment_id=PAYMENT_ID, attempt=1, code="amount_too_small", reason="No.")


class TestPlacing:
    def test_an_order_becomes_a_requested_payment_over_goods_and_shipping(self) -> None:
        assert after([], PLACE) == [REQUESTED]
        assert REQUESTED.amount_minor == 2_000 + 300 + 1_700

    def test_the_same_order_again_is_nothing_whatever_has_become_of_it(self) -> None:
        assert after([], PLACE, PLACE) == [REQUESTED]
        assert after(CLOSED_PASTS["captured"], PLACE) == []

    def test_the_order_of_another_book_is_another_payment(self) -> None:
        assert payment_id_of(1, "A-1") != payment_id_of(2, "A-1")

    def test_a_changed_duplicate_is_refused_and_the_payment_stays_as_it_was(self) -> None:
        changed = replace(PLACE, order=replace(ORDER, lines=ORDER.lines[:1]))
        [rejected] = after([REQUESTED], changed)
        assert isinstance(rejected, e.OrderRejected)
        assert rejected.code == e.ORDER_CHANGED
        assert PAYMENT.fold([REQUESTED, rejected]) == PAYMENT.fold([REQUESTED])

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"limits": None}, "unknown_currency"),
            ({"order": replace(ORDER, rail="chain")}, "rail_unavailable"),
            ({"order": replace(ORDER, currency="USDC@8453")}, "currency_not_on_rail"),
            ({"limits": Limits(amount_min_minor=4_001, amount_max_minor=9_000)}, "amount_too_small"),
            ({"limits": Limits(amount_min_minor=0, amount_max_minor=3_999)}, "amount_too_large"),
            ({"over_limit": ("daily_limit", "Enough for today.")}, "daily_limit"),
        ],
    )
    def test_an_order_that_cannot_be_taken_is_refused_with_a_code(self, changes: dict[str, Any], code: str) -> None:
        [rejected] = after([], replace(PLACE, **changes))
        assert isinstance(rejected, e.OrderRejected)
        assert rejected.code == code

    @pytest.mark.parametrize("limit", [(4_000, 9_000), (0, 4_000)])
    def test_limits_include_their_ends(self, limit: tuple[int, int]) -> None:
        limits = Limits(amount_min_minor=limit[0], amount_max_minor=limit[1])
        assert after([], replace(PLACE, limits=limits)) == [REQUESTED]

    def test_what_was_accepted_stays_so_when_the_buyers_limit_is_reached(self) -> None:
        assert after([REQUESTED], replace(PLACE, over_limit=("daily_limit", "Enough for today."))) == []

    def test_an_accepted_order_keeps_its_deadline_its_words_and_its_allowance(self) -> None:
        terms: dict[str, Any] = {"expires_at": LATER, "statement_suffix": "SHOP", "allowance": ALLOWANCE}
        assert after([], replace(PLACE, **terms)) == [replace(REQUESTED, **terms)]

    def test_a_refused_order_may_come_again_corrected(self) -> None:
        too_much = replace(PLACE, limits=Limits(amount_min_minor=0, amount_max_minor=1))
        rejected, accepted = after([], too_much, PLACE)
        assert isinstance(rejected, e.OrderRejected)
        assert accepted == REQUESTED


class TestCreatingTheIntent:
    def test_a_created_intent_is_recorded_once(self) -> None:
        assert after([REQUESTED], record(WAITING), record(WAITING)) == [INTENT]

    def test_a_refused_one_ends_the_payment(self) -> None:
        [refused] = after([REQUESTED], REFUSE, REFUSE)
        assert isinstance(refused, e.IntentRefused)
        assert PAYMENT.fold([REQUESTED, refused]).status == "rejected"

    def test_a_refusal_that_comes_after_the_intent_is_nothing(self) -> None:
        assert after([REQUESTED, INTENT], REFUSE) == []

    def test_silence_is_kept_as_unknown_once_and_keeps_the_attempt(self) -> None:
        [unknown] = after([REQUESTED], _doubt(), _doubt())
        assert isinstance(unknown, e.IntentOutcomeUnknown)
        assert unknown.attempt == 1
        assert after([REQUESTED, unknown], record(WAITING)) == [INTENT]

    def test_only_an_abandoned_attempt_is_followed_by_the_next(self) -> None:
        unknown, abandoned = after([REQUESTED], _doubt(), _abandon(), _abandon())
        assert isinstance(abandoned, e.IntentAbandoned)
        assert after([REQUESTED, unknown, abandoned], record(WAITING)) == [replace(INTENT, attempt=2)]

    def test_every_attempt_has_the_words_of_the_order_whatever_the_setting_says_by_then(self) -> None:
        unknown, abandoned = after([replace(REQUESTED, statement_suffix="SHOP")], _doubt(), _abandon())
        assert isinstance(unknown, e.IntentOutcomeUnknown)
        assert isinstance(abandoned, e.IntentAbandoned)
        assert unknown.statement_suffix == abandoned.statement_suffix == "SHOP"

    @pytest.mark.parametrize("late", [_doubt(), _abandon(), REFUSE])
    def test_what_comes_late_about_an_attempt_changes_nothing(self, late: PaymentCommand) -> None:
        assert after([REQUESTED, INTENT], late) == []
        abandoned = e.IntentAbandoned(**NAMES, **MONEY, attempt=1, reason="500")
        assert after([REQUESTED, abandoned], late) == []


class TestPaying:
    @any_open_past
    def test_success_captures_the_money_at_the_time_of_the_charge(self, past: list[e.PaymentEvent]) -> None:
        assert after(past, record(SUCCEEDED)) == [replace(CAPTURED, at=LATER)]

    def test_captured_money_is_at_the_processor_and_in_no_escrow(self) -> None:
        check(CAPTURED.postings())
        assert CAPTURED.postings() == (
            Posting("stripe:platform", "EUR", 4_000),
            Posting("funds:unallocated", "EUR", -4_000),
        )

    def test_a_success_that_overtakes_the_intent_brings_it_along(self) -> None:
        assert after([REQUESTED], record(SUCCEEDED)) == [INTENT, replace(CAPTURED, at=LATER)]

    def test_a_decline_is_recorded_once_a_trial_and_the_buyer_may_try_again(self) -> None:
        again = replace(DECLINED, declined=Trial(id="ch_9", code="card_declined", at=LATER))
        assert after([REQUESTED, INTENT], record(DECLINED), record(DECLINED), record(again), record(SUCCEEDED)) == [
            replace(FAILED, at=LATER),
            replace(FAILED, at=LATER, trial="ch_9"),
            replace(CAPTURED, at=LATER),
        ]

    @pytest.mark.parametrize("status", ["requires_action", "processing"])
    def test_what_the_buyer_or_the_processor_has_to_do_is_shown(self, status: Any) -> None:
        report = replace(WAITING, status=status)
        assert after([REQUESTED, INTENT], record(report), record(report)) == [e.PaymentPending(**NAMES, status=status)]

    @any_closed_past
    @pytest.mark.parametrize(
        "late",
        [WAITING, DECLINED, replace(WAITING, status="processing"), replace(WAITING, status="canceled")],
        ids=["waiting", "declined", "processing", "canceled"],
    )
    def test_what_is_told_late_changes_nothing(self, past: list[e.PaymentEvent], late: IntentReport) -> None:
        assert after(past, record(late)) == []

    def test_a_second_success_is_nothing(self) -> None:
        assert after(CLOSED_PASTS["captured"], record(SUCCEEDED)) == []

    @pytest.mark.parametrize("past", [CLOSED_PASTS["canceled"], CLOSED_PASTS["expired"], CLOSED_PASTS["refused"]])
    def test_money_for_a_closed_payment_is_not_swallowed(self, past: list[e.PaymentEvent]) -> None:
        with pytest.raises(Rejected, match="refund it there") as refused:
            after(past, record(SUCCEEDED))
        assert refused.value.code == "unexpected_capture"

    def test_money_on_a_stray_intent_is_not_swallowed_but_a_stray_intent_is(self) -> None:
        stray = replace(WAITING, intent_id="pi_2")
        assert after([REQUESTED, INTENT], record(stray)) == []
        with pytest.raises(Rejected, match="pi_2"):
            after(CLOSED_PASTS["captured"], record(replace(SUCCEEDED, intent_id="pi_2")))

    def test_another_amount_than_asked_for_is_not_taken_for_granted(self) -> None:
        less = replace(SUCCEEDED, captured=Capture(charge="ch_1", amount_minor=3_999, at=LATER))
        with pytest.raises(Rejected, match="3999 instead of 4000"):
            after([REQUESTED, INTENT], record(less))

    def test_an_intent_of_no_order_of_ours_is_refused(self) -> None:
        with pytest.raises(Rejected) as refused:
            after([], record(SUCCEEDED))
        assert refused.value.code == "unknown_payment"


class TestCanceling:
    def test_a_cancellation_calls_for_the_intent_to_be_canceled(self) -> None:
        assert after([REQUESTED, INTENT], CANCEL, CANCEL) == [CANCEL_REQUESTED]
        canceled = replace(WAITING, status="canceled", canceled_at=LATER)
        assert after([REQUESTED, INTENT, CANCEL_REQUESTED], record(canceled)) == [replace(CANCELED, at=LATER)]

    def test_a_cancellation_that_overtakes_the_intent_takes_effect_with_it(self) -> None:
        assert after([REQUESTED], CANCEL, record(WAITING)) == [CANCEL_NOTED, INTENT, CANCEL_REQUESTED]

    def test_a_cancellation_that_overtakes_its_order_refuses_it(self) -> None:
        noted, rejected = after([], CANCEL, PLACE)
        assert noted == CANCEL_NOTED
        assert isinstance(rejected, e.OrderRejected)
        assert rejected.code == "order_cancelled"

    def test_a_buyer_who_pays_first_has_paid(self) -> None:
        assert after([REQUESTED, INTENT], CANCEL, record(SUCCEEDED)) == [CANCEL_REQUESTED, replace(CAPTURED, at=LATER)]

    @any_closed_past
    def test_a_closed_payment_is_not_canceled(self, past: list[e.PaymentEvent]) -> None:
        assert after(past, CANCEL) == []

    def test_an_intent_canceled_at_the_processor_cancels_the_payment(self) -> None:
        [canceled] = after([REQUESTED, INTENT], record(replace(WAITING, status="canceled")))
        assert canceled == e.PaymentCanceled(**NAMES, reason="canceled at the processor")


class TestProcessing:
    """A bank takes days, in which nobody can cancel."""

    def test_a_cancellation_is_noted_and_carried_out_if_the_bank_refuses(self) -> None:
        declined = replace(DECLINED, declined=Trial(id="py_1", code="insufficient_funds", at=LATER))
        noted, failed, canceling = after([REQUESTED, INTENT, PROCESSING], CANCEL, record(declined))
        assert noted == CANCEL_NOTED
        assert isinstance(failed, e.PaymentFailed)
        assert canceling == CANCEL_REQUESTED

    def test_a_cancellation_is_carried_out_if_the_buyer_must_act_after_all(self) -> None:
        past = [REQUESTED, INTENT, PROCESSING, CANCEL_NOTED]
        assert after(past, record(replace(WAITING, status="requires_action")))[1:] == [CANCEL_REQUESTED]

    def test_a_cancellation_in_vain_leaves_a_payment_whose_money_came(self) -> None:
        past = [REQUESTED, INTENT, PROCESSING]
        assert after(past, CANCEL, record(SUCCEEDED)) == [CANCEL_NOTED, replace(CAPTURED, at=LATER)]

    def test_a_cancellation_that_was_carried_out_before_is_not_called_for_again(self) -> None:
        past = [REQUESTED, INTENT, CANCEL_REQUESTED, PROCESSING]
        assert after(past, record(DECLINED)) == [replace(FAILED, at=LATER)]


class TestExpiring:
    ABANDONED = replace(WAITING, status="canceled", canceled_at=LATER, abandoned=True)

    def test_an_intent_that_was_abandoned_is_a_payment_that_expired(self) -> None:
        assert after([REQUESTED, INTENT], record(self.ABANDONED), record(self.ABANDONED)) == [
            replace(EXPIRED, at=LATER)
        ]

    def test_an_order_that_was_cancelled_as_well_is_canceled(self) -> None:
        assert after([REQUESTED, INTENT, CANCEL_REQUESTED], record(self.ABANDONED)) == [replace(CANCELED, at=LATER)]

    @pytest.mark.parametrize("ending", [ABANDONED, replace(WAITING, status="canceled")])
    def test_what_came_to_nothing_names_the_allowance_that_it_gives_back(self, ending: IntentReport) -> None:
        [closed] = after([replace(REQUESTED, allowance=ALLOWANCE), INTENT], record(ending))
        assert isinstance(closed, e.PaymentExpired | e.PaymentCanceled)
        assert closed.allowance == ALLOWANCE

    def test_a_refused_intent_gives_it_back_too(self) -> None:
        [refused] = after([replace(REQUESTED, allowance=ALLOWANCE)], REFUSE)
        assert isinstance(refused, e.IntentRefused)
        assert refused.allowance == ALLOWANCE
