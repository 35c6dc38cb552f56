"""Refunds that a person asks for: what is held first, then what was released, by way of the seller."""

from __future__ import annotations

import pytest

from libs.ledger.journal import Posting
from services.escrow.domain import events as e
from services.escrow.domain.allocation import allocation_id_of, clawback_id_of, refund_id_of
from services.escrow.domain.commands import Refund
from services.escrow.domain.state import State
from tests.unit.escrow.given import (
    ESCROW_ID,
    HOLD,
    after,
    cancelled,
    charged_back,
    day,
    delivered,
    disputed,
    hear,
    history,
    refund,
    refused,
    release,
    release_now,
    settle,
    statuses,
    then,
    warned,
)

BERT = allocation_id_of(ESCROW_ID, "bert")
RELEASED = after(HOLD, release_now(1))
OWED = {"anna": 10_500, "bert": 2_400}


def test_what_is_held_goes_back_whole_and_without_commission() -> None:
    [refunded] = then(after(HOLD), refund(2, "bert"))
    assert isinstance(refunded, e.AllocationRefunded)
    assert (refunded.amount_minor, refunded.commission_minor, refunded.net_minor) == (3_000, 600, 2_400)
    assert (refunded.refund_id, refunded.requested_by) == (refund_id_of(ESCROW_ID, 1), "ada")
    assert refunded.postings() == (Posting("escrow:held", "USD", 3_000), Posting("refunds:payable", "USD", -3_000))
    assert statuses(after(HOLD, refund(2, "bert"))) == {"anna": "held", "bert": "refunded"}


def test_a_part_goes_back_and_the_rest_stays_as_it_was() -> None:
    state = after(HOLD, hear(delivered(3)), refund(4, "bert", 1_000))
    bert = state.shares["bert"]
    assert (bert.status, bert.release_at, bert.money.held_minor) == ("pending_release", day(10), 2_000)
    *_, released = then(state, release(10))
    assert isinstance(released, e.AllocationReleased)
    assert (released.seller, released.gross_minor, released.commission_minor) == ("bert", 2_000, 400)


def test_a_whole_order_goes_back_with_one_request_each_allocation_under_its_own_id() -> None:
    first, second = then(after(HOLD), refund(2))
    assert isinstance(first, e.AllocationRefunded)
    assert isinstance(second, e.AllocationRefunded)
    assert [first.refund_id, second.refund_id] == [refund_id_of(ESCROW_ID, 1), refund_id_of(ESCROW_ID, 2)]
    assert (first.amount_minor, second.amount_minor, second.status) == (13_000, 3_000, "REFUNDED")


def test_what_was_released_is_taken_from_what_the_seller_is_owed_and_the_rest_becomes_a_debt() -> None:
    [clawed_back] = then(RELEASED, refund(2, "bert", 1_500, {"bert": 1_000}))
    assert isinstance(clawed_back, e.ReleaseClawedBack)
    assert (clawed_back.cause, clawed_back.cause_id) == ("refund", refund_id_of(ESCROW_ID, 1))
    assert (clawed_back.net_minor, clawed_back.balance_minor, clawed_back.receivable_minor) == (1_200, 1_000, 200)
    assert clawed_back.postings() == (
        Posting("seller:bert:available", "USD", 1_000),
        Posting("receivable:seller:bert", "USD", 200),
        Posting("revenue:commission", "USD", 300),
        Posting("refunds:payable", "USD", -1_500),
    )


def test_the_buyer_is_paid_when_the_transfer_is_reversed_and_once() -> None:
    waiting = after(HOLD, release_now(1), refund(2, "bert", None, OWED))
    [settled] = then(waiting, settle(clawback_id_of(BERT, refund_id_of(ESCROW_ID, 1)), 3, 2_000, 400))
    assert isinstance(settled, e.ClawbackSettled)
    assert (settled.cause_id, settled.amount_minor, settled.commission_minor) == (
        refund_id_of(ESCROW_ID, 1),
        3_000,
        600,
    )
    assert (settled.reversed_minor, settled.short_minor, settled.postings()) == (2_000, 400, ())
    again = after(HOLD, release_now(1), refund(2, "bert", None, OWED), settle(settled.clawback_id))
    assert then(again, settle(settled.clawback_id)) == []


def test_with_nothing_to_bring_back_the_buyer_is_paid_at_once() -> None:
    clawed_back, settled = then(RELEASED, refund(2, "bert"))
    assert isinstance(clawed_back, e.ReleaseClawedBack)
    assert isinstance(settled, e.ClawbackSettled)
    assert (clawed_back.balance_minor, clawed_back.receivable_minor) == (0, 2_400)
    assert settled.amount_minor == 3_000


def test_a_reversal_of_something_else_changes_nothing() -> None:
    assert then(RELEASED, settle(BERT)) == []
    assert then(State(), settle(BERT)) == []


def test_of_a_partly_released_allocation_the_held_part_goes_first() -> None:
    held, clawed_back = then(after(HOLD, release_now(1, "bert", 1_000)), refund(2, "bert", 2_500, OWED))
    assert isinstance(held, e.AllocationRefunded)
    assert isinstance(clawed_back, e.ReleaseClawedBack)
    assert (held.amount_minor, clawed_back.amount_minor) == (2_000, 500)
    assert (held.refund_id, clawed_back.cause_id) == (refund_id_of(ESCROW_ID, 1), refund_id_of(ESCROW_ID, 2))
    assert held.commission_minor + clawed_back.commission_minor == 500


def test_what_went_back_is_not_taken_twice() -> None:
    state = after(HOLD, release_now(1), refund(2, "bert", 1_000, OWED))
    assert refused(state, refund(3, "bert", 2_001, OWED), "too_much").fields["left_minor"] == 2_000
    [rest] = then(state, refund(3, "bert", None, OWED))
    assert isinstance(rest, e.ReleaseClawedBack)
    assert (rest.amount_minor, rest.commission_minor) == (2_000, 400)


def test_a_refund_settles_the_part_that_is_disputed() -> None:
    [refunded] = then(after(HOLD, hear(disputed(1, "bert"))), refund(2, "bert"))
    assert isinstance(refunded, e.AllocationRefunded)
    assert refunded.status == "HELD"
    partly = after(HOLD, hear(disputed(1, "bert")), refund(2, "bert", 1_000))
    assert statuses(partly)["bert"] == "disputed"


def test_a_cancellation_after_partial_releases_and_refunds_sends_the_rest_back() -> None:
    [refunded] = then(after(HOLD, release_now(1, "bert", 1_000), refund(2, "bert", 500)), hear(cancelled(3)))
    assert isinstance(refunded, e.EscrowRefunded)
    assert (refunded.amount_minor, refunded.status) == (14_500, "RELEASED")
    assert refunded.refund_id == refund_id_of(ESCROW_ID, 2)


def test_the_window_counts_for_each_release_apart() -> None:
    state = after(HOLD, release_now(1, "bert", 1_000), release_now(20, "bert", 500))
    late = refused(state, refund(32, "bert", 2_001, OWED), "refund_window_over")
    assert late.fields["refundable_minor"] == 2_000
    held, clawed_back = then(state, refund(32, "bert", 2_000, OWED))
    assert isinstance(held, e.AllocationRefunded)
    assert isinstance(clawed_back, e.ReleaseClawedBack)
    assert (held.amount_minor, clawed_back.amount_minor) == (1_500, 500)
    [*_, whole] = then(state, refund(31, "bert", None, OWED))
    assert isinstance(whole, e.ReleaseClawedBack)
    assert whole.amount_minor == 1_500


@pytest.mark.parametrize(
    ("state", "request_", "code"),
    [
        (State(), refund(1), "unknown_escrow"),
        (after(HOLD), refund(1, "carl"), "unknown_seller"),
        (after(HOLD), refund(1, None, 5), "seller_needed"),
        (after(HOLD), refund(1, "bert", 3_001), "too_much"),
        (RELEASED, refund(31.1), "refund_window_over"),
        (RELEASED, refund(1.1, "bert", 1, window_days=0), "refund_window_over"),
        (after(HOLD, refund(1)), refund(2), "already_refunded"),
        (after(HOLD, hear(cancelled(1))), refund(2, "bert", 5), "already_refunded"),
        (after(HOLD, release_now(1), refund(2, None, None, OWED)), refund(3), "refund_waiting"),
        (after(HOLD, release_now(1), refund(2)), refund(3), "already_refunded"),
        (after(HOLD, hear(charged_back(1))), refund(2, "bert", 5), "charged_back"),
        (after(HOLD, hear(charged_back(1, stage="inquiry"))), refund(2), "charged_back"),
        (after(HOLD, release_now(1), hear(charged_back(1))), refund(2), "charged_back"),
    ],
)
def test_what_cannot_be_refunded_is_refused(state: State, request_: Refund, code: str) -> None:
    refused(state, request_, code)


def test_a_warning_of_fraud_does_not_keep_the_buyer_from_a_refund() -> None:
    assert statuses(after(HOLD, hear(warned(1)), refund(2))) == {"anna": "refunded", "bert": "refunded"}


def test_a_refund_of_a_whole_order_that_one_part_forbids_refunds_nothing() -> None:
    state = after(HOLD, release_now(1, "anna"))
    refused(state, refund(60), "refund_window_over")
    assert state == after(HOLD, release_now(1, "anna"))


def test_all_back_from_the_sellers_is_refunded() -> None:
    events = history([HOLD, release_now(1), refund(2, None, None, OWED)])
    assert isinstance(events[-1], e.ReleaseClawedBack)
    assert events[-1].status == "REFUNDED"
