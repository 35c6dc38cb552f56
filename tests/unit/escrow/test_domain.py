from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded
from libs.ledger import journal
from libs.ledger.journal import Posting
from libs.ledger.personal import with_texts
from services.escrow.domain import events as e
from services.escrow.domain.allocation import Line, allocation_id_of, refund_id_of, release_id_of
from services.escrow.domain.escrow import ESCROW
from services.escrow.domain.state import State
from tests.unit.escrow.given import (
    ESCROW_ID,
    HOLD,
    NOON,
    TERMS,
    after,
    cancelled,
    charged_back,
    closed,
    day,
    delivered,
    disputed,
    hear,
    history,
    refund,
    refused,
    release,
    release_now,
    statuses,
    text,
    then,
    unfreeze,
    warned,
)

BALANCES = {"anna": 10_000, "bert": 5}


def test_captured_money_is_held_for_each_seller_on_terms_frozen_now() -> None:
    [held] = then(State(), HOLD)
    assert isinstance(held, e.FundsHeld)
    assert [(a.seller, a.gross_minor, a.commission_minor) for a in held.allocations] == [
        ("anna", 13_000, 2_500),
        ("bert", 3_000, 600),
    ]
    assert (held.deliver_by, held.hold_until_max) == (day(30), day(90))
    assert (held.commission, held.inspection_days) == (TERMS.commission, 7)
    assert held.postings() == (
        Posting("funds:unallocated", "USD", 16_000),
        Posting("escrow:held", "USD", -16_000),
    )
    assert after(HOLD).status == "HELD"


def test_the_same_capture_again_changes_nothing() -> None:
    changed_settings = replace(HOLD, terms=replace(TERMS, inspection_days=1))
    assert then(after(HOLD), changed_settings) == []
    assert then(after(HOLD, hear(cancelled())), HOLD) == []


def test_a_second_charge_for_one_order_isrefused() -> None:
    refused(after(HOLD), replace(HOLD, charge="ch_2"), "captured_twice")


def test_lines_that_do_not_come_to_the_captured_amount_arerefused() -> None:
    refused(State(), replace(HOLD, amount_minor=16_001), "amount_mismatch")


def test_a_delivery_starts_the_inspection_of_every_seller() -> None:
    [confirmed] = then(after(HOLD), hear(delivered(3)))
    assert isinstance(confirmed, e.DeliveryConfirmed)
    assert confirmed.sellers == ("anna", "bert")
    assert (confirmed.at, confirmed.release_at, confirmed.status) == (day(3), day(10), "PENDING_RELEASE")


def test_a_delivery_by_one_seller_confirms_that_sellers_part_only() -> None:
    [confirmed] = then(after(HOLD), hear(delivered(3, "bert")))
    assert isinstance(confirmed, e.DeliveryConfirmed)
    assert (confirmed.sellers, confirmed.status) == (("bert",), "HELD")
    assert statuses(after(HOLD, hear(delivered(3, "bert")))) == {"anna": "held", "bert": "pending_release"}


@pytest.mark.parametrize("fact", [delivered(3, "carl"), disputed(3, "carl")])
def test_a_seller_who_has_no_part_in_the_order_isrefused(fact: Any) -> None:
    refused(after(HOLD), hear(fact), "unknown_seller")


def test_a_later_delivery_changes_nothing_and_an_earlier_one_brings_the_release_forward() -> None:
    state = after(HOLD, hear(delivered(3)))
    assert then(state, hear(delivered(4, confirmation="BUYER_CONFIRMED"))) == []
    [confirmed] = then(state, hear(delivered(1, "anna")))
    assert isinstance(confirmed, e.DeliveryConfirmed)
    assert (confirmed.sellers, confirmed.release_at) == (("anna",), day(8))


def test_of_two_deliveries_at_the_same_time_the_one_that_somebody_saw_counts_and_each_counts_once() -> None:
    seen, assumed = hear(delivered(3)), hear(delivered(3, confirmation="AUTO_CONFIRMED"))
    assert after(HOLD, assumed, seen) == after(HOLD, seen, assumed) == after(HOLD, seen)
    assert then(after(HOLD, assumed), assumed) == []
    assert then(after(HOLD, seen), seen) == []


def test_a_delivery_beyond_every_calendar_isrefused() -> None:
    end_of_time = delivered(at=datetime(9999, 12, 31, tzinfo=UTC))
    refused(after(HOLD), hear(end_of_time), "bad_time")
    assert [type(event) for event in then(after(hear(end_of_time)), HOLD)] == [e.FundsHeld, e.FactRefused]


def test_nothing_is_released_before_its_time() -> None:
    assert then(after(HOLD, hear(delivered(3))), release(9.99)) == []


def test_what_is_due_is_released_less_the_frozen_commission() -> None:
    state = after(HOLD, hear(delivered(3, "anna")), hear(delivered(5, "bert")))
    [first] = then(state, release(10))
    assert isinstance(first, e.AllocationReleased)
    assert (first.seller, first.at, first.status, first.charge) == ("anna", day(10), "PARTIALLY_RELEASED", "ch_1")
    assert first.allocation_id == allocation_id_of(ESCROW_ID, "anna")
    assert first.release_id == release_id_of(first.allocation_id, 1)
    assert first.release_type == "task_completion"
    assert first.postings() == (
        Posting("escrow:held", "USD", 13_000),
        Posting("seller:anna:available", "USD", -10_500),
        Posting("revenue:commission", "USD", -2_500),
    )
    [second] = then(after(HOLD, hear(delivered(3, "anna")), hear(delivered(5, "bert")), release(10)), release(12))
    assert isinstance(second, e.AllocationReleased)
    assert (second.seller, second.status) == ("bert", "RELEASED")


def test_the_last_of_several_releases_at_once_says_that_all_is_released() -> None:
    released = then(after(HOLD, hear(delivered(3))), release(10))
    assert [event.status for event in released if isinstance(event, e.AllocationReleased)] == [
        "PARTIALLY_RELEASED",
        "RELEASED",
    ]


def test_releasing_again_releases_nothing() -> None:
    assert then(after(HOLD, hear(delivered(3)), release(10)), release(11)) == []


def test_what_nobody_confirmed_counts_as_delivered_at_its_deadline_and_is_inspected_like_all_else() -> None:
    state = after(HOLD, hear(delivered(3, "anna")), release(10))
    assert then(state, release(29.99)) == []
    [confirmed] = then(state, release(31))
    assert isinstance(confirmed, e.DeliveryConfirmed)
    assert (confirmed.sellers, confirmed.confirmation) == (("bert",), "AUTO_CONFIRMED")
    assert (confirmed.at, confirmed.release_at) == (day(30), day(37))


def test_a_late_run_confirms_and_releases_as_punctual_runs_would_have() -> None:
    punctual = after(HOLD, release(30), release(37))
    late = after(HOLD, release(50))
    assert (statuses(late), late.status) == (statuses(punctual), punctual.status)
    assert [
        event.release_type for event in history([HOLD, release(50)]) if isinstance(event, e.AllocationReleased)
    ] == [
        "auto_release",
        "auto_release",
    ]


def test_a_dispute_freezes_the_release_and_the_deadline_of_its_seller_alone() -> None:
    [opened] = then(after(HOLD, hear(delivered(3))), hear(disputed(4, "anna")))
    assert isinstance(opened, e.DisputeOpened)
    assert (opened.sellers, opened.status) == (("anna",), "DISPUTED")
    state = after(HOLD, hear(delivered(3)), hear(disputed(4, "anna")), release(60))
    assert statuses(state) == {"anna": "disputed", "bert": "released"}
    assert state.status == "DISPUTED"
    assert statuses(after(HOLD, hear(disputed(4)), release(60))) == {"anna": "disputed", "bert": "disputed"}


def test_a_dispute_opened_twice_is_one() -> None:
    assert then(after(HOLD, hear(disputed(4))), hear(disputed(5))) == []


def test_a_cancellation_refunds_every_allocation_whole() -> None:
    [refund] = then(after(HOLD, hear(delivered(1, "anna"))), hear(cancelled(2)))
    assert isinstance(refund, e.EscrowRefunded)
    assert refund.refund_id == refund_id_of(ESCROW_ID, 1)
    assert (refund.sellers, refund.amount_minor, refund.status) == (("anna", "bert"), 16_000, "REFUNDED")
    assert refund.postings() == (
        Posting("escrow:held", "USD", 16_000),
        Posting("refunds:payable", "USD", -16_000),
    )


def test_a_cancellation_after_some_releases_refunds_the_rest() -> None:
    state = after(HOLD, hear(delivered(3, "anna")), release(10))
    [refund] = then(state, hear(cancelled(11)))
    assert isinstance(refund, e.EscrowRefunded)
    assert (refund.sellers, refund.amount_minor, refund.status) == (("bert",), 3_000, "RELEASED")


def test_a_cancellation_settles_what_was_disputed() -> None:
    state = after(HOLD, hear(disputed(1, "anna")), hear(cancelled(2)))
    assert statuses(state) == {"anna": "refunded", "bert": "refunded"}


@pytest.mark.parametrize("fact", [cancelled(20), disputed(20), disputed(20, "anna")])
def test_what_is_all_released_can_neither_be_cancelled_nor_disputed(fact: Any) -> None:
    refused(after(HOLD, hear(delivered(3)), release(10)), hear(fact), "already_released")


@pytest.mark.parametrize("fact", [cancelled(3), disputed(3), delivered(3), delivered(3, "anna")])
def test_what_is_refunded_stays_refunded(fact: Any) -> None:
    assert then(after(HOLD, hear(cancelled(2))), hear(fact)) == []


def test_a_second_cancellation_after_release_and_refund_finds_nothing_to_do() -> None:
    state = after(HOLD, hear(delivered(3, "anna")), release(10), hear(cancelled(11)))
    assert then(state, hear(cancelled(12))) == []


def test_a_delivery_after_the_release_finds_nothing_to_do() -> None:
    assert then(after(HOLD, hear(delivered(3)), release(10)), hear(delivered(2))) == []


def test_a_fact_before_the_money_is_kept_once_and_moves_none() -> None:
    [noted] = then(State(), hear(cancelled(-1)))
    assert noted == e.FactNoted(at=day(-1), escrow_id=ESCROW_ID, order_id="order-1", fact=cancelled(-1))
    assert noted.postings() == ()
    assert then(after(hear(cancelled(-1))), hear(cancelled(-1))) == []
    assert then(after(hear(cancelled(-1))), release(60)) == []


def test_a_cancellation_before_the_money_refunds_it_when_it_comes_and_not_earlier() -> None:
    held, refund = then(after(hear(cancelled(-1))), HOLD)
    assert isinstance(held, e.FundsHeld)
    assert isinstance(refund, e.EscrowRefunded)
    assert (refund.at, refund.amount_minor, refund.status) == (NOON, 16_000, "REFUNDED")


def test_a_delivery_before_the_money_is_confirmed_when_it_comes() -> None:
    state = after(hear(delivered(-1, "anna")), HOLD)
    assert statuses(state) == {"anna": "pending_release", "bert": "held"}
    assert state.shares["anna"].release_at == day(6)


def test_an_impossible_fact_does_not_turn_the_money_away_and_the_refusal_is_kept() -> None:
    held, refused, confirmed = then(after(hear(delivered(1, "carl")), hear(delivered(2, "anna"))), HOLD)
    assert isinstance(held, e.FundsHeld)
    assert isinstance(refused, e.FactRefused)
    assert (refused.code, refused.fact) == ("unknown_seller", delivered(1, "carl"))
    assert isinstance(confirmed, e.DeliveryConfirmed)


def test_without_escrow_all_is_released_at_capture() -> None:
    at_once = replace(HOLD, terms=replace(TERMS, hold=False))
    _, first, second = then(State(), at_once)
    assert isinstance(first, e.AllocationReleased)
    assert isinstance(second, e.AllocationReleased)
    assert (first.at, second.status) == (NOON, "RELEASED")


def test_without_escrow_an_earlier_cancellation_or_dispute_still_keeps_the_money_from_the_sellers() -> None:
    at_once = replace(HOLD, terms=replace(TERMS, hold=False))
    assert statuses(after(hear(cancelled(-1)), at_once)) == {"anna": "refunded", "bert": "refunded"}
    assert statuses(after(hear(disputed(-1, "anna")), at_once)) == {"anna": "disputed", "bert": "released"}


@pytest.mark.parametrize(
    ("amount_minor", "shipping_minor", "commission_minor"),
    [
        (10_000, 0, 2_000),
        (10_000, 9_000, 2_000),  # shipping is passed on whole
        (300, 0, 100),  # the floor
        (60, 0, 60),  # never more than there is
        (60, 30, 90),
        (1_000_000, 0, 50_000),  # the cap
        (502, 0, 100),
        (503, 0, 101),  # 100.6, half a unit up
    ],
)
def test_the_commission_has_a_floor_and_a_cap_and_never_exceeds_the_gross_amount(
    amount_minor: int, shipping_minor: int, commission_minor: int
) -> None:
    line = Line(seller="anna", amount_minor=amount_minor, shipping_minor=shipping_minor)
    [held] = then(State(), replace(HOLD, lines=(line,), amount_minor=amount_minor + shipping_minor))
    assert isinstance(held, e.FundsHeld)
    assert held.allocations[0].commission_minor == commission_minor


def test_an_allocation_that_is_all_commission_posts_no_empty_line() -> None:
    line = Line(seller="anna", amount_minor=60)
    events = history([replace(HOLD, lines=(line,), amount_minor=60), hear(delivered(1)), release(8)])
    assert events[-1].postings() == (Posting("escrow:held", "USD", 60), Posting("revenue:commission", "USD", -60))


def test_every_event_is_stored_and_read_back_the_same_with_balanced_postings() -> None:
    codec = Codec(ESCROW.events)
    facts = [
        hear(delivered(1, "anna", proof=text("parcel 7", "courier"))),
        hear(disputed(1, "carl")),
        hear(cancelled(1)),
    ]
    events = [
        *history([*facts, HOLD]),
        *history([HOLD, hear(delivered(1)), hear(disputed(2, "anna")), release(8)]),
        *history([HOLD, hear(warned(1)), unfreeze(2), release_now(2, "bert", 2_000), refund(3, "bert")]),
        *history([HOLD, release_now(2), hear(charged_back(3), anna=9), hear(closed("won", 4))]),
        *history([HOLD, release_now(2), refund(3, "bert", 9, BALANCES), hear(closed("lost", 4, 17_000), **BALANCES)]),
        *history([HOLD, hear(closed("lost", 4, 17_000))]),
    ]
    assert {type(event) for event in events} == set(ESCROW.events)
    for event in events:
        journal.check(event.postings())
        sealed = with_texts(event, lambda _, typed: replace(typed, state="sealed"))
        new = codec.encode(sealed)
        recorded = Recorded(
            1, 1, "escrow-x", 1, new.type, 2, NOON, new.effective_at, None, None, "x", None, (), (), (), new.data, b""
        )
        assert codec.decode(recorded) == sealed
