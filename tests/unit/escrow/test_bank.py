"""Inquiries, chargebacks and warnings of fraud: what they freeze, reserve, and take."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from uuid import UUID

import pytest

from libs.ledger.journal import Posting
from services.escrow.domain import events as e
from services.escrow.domain.allocation import allocation_id_of, clawback_id_of, refund_id_of
from services.escrow.domain.commands import Command
from services.escrow.domain.facts import Fact
from services.escrow.domain.state import State
from tests.unit.escrow.given import (
    BANK,
    ESCROW_ID,
    HOLD,
    NOON,
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
    settle,
    statuses,
    then,
    unfreeze,
    warned,
)

OWED = {"anna": 10_500, "bert": 2_400}
RELEASED: list[Command] = [HOLD, release_now(1)]
INQUIRY = charged_back(10, stage="inquiry")


def names(events: Sequence[e.EscrowEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_chargeback_freezes_what_is_held() -> None:
    [frozen] = then(after(HOLD), hear(charged_back(2)))
    assert isinstance(frozen, e.EscrowFrozen)
    assert (frozen.cause, frozen.cause_id, frozen.sellers) == ("chargeback", str(BANK), ("anna", "bert"))
    assert frozen.status == "DISPUTED"
    assert frozen.postings() == ()


def test_a_chargeback_reserves_what_the_sellers_got_as_far_as_it_is_there() -> None:
    frozen, anna, bert = then(after(*RELEASED), hear(charged_back(2), anna=10_500, bert=1_000))
    assert isinstance(frozen, e.EscrowFrozen)
    assert isinstance(anna, e.ReleaseReserved)
    assert isinstance(bert, e.ReleaseReserved)
    assert (anna.amount_minor, bert.amount_minor, bert.chargeback_id) == (10_500, 1_000, BANK)
    assert bert.postings() == (
        Posting("seller:bert:available", "USD", 1_000),
        Posting("seller:bert:reserved", "USD", -1_000),
    )
    assert bert.status == "DISPUTED"


def test_a_chargeback_over_a_part_reserves_what_it_would_take_and_no_more() -> None:
    [_, anna, bert] = then(after(*RELEASED), hear(charged_back(2, 1_600), **OWED))
    assert isinstance(anna, e.ReleaseReserved)
    assert isinstance(bert, e.ReleaseReserved)
    assert (anna.amount_minor, bert.amount_minor) == (1_050, 240)
    partly_held = after(HOLD, release_now(1, "bert", 1_000))
    assert names(then(partly_held, hear(charged_back(2, 1_600), bert=800))) == ["EscrowFrozen"]


def test_where_the_marketplace_bears_chargebacks_nothing_is_reserved() -> None:
    assert names(then(after(*RELEASED), hear(charged_back(2, borne_by="platform"), **OWED))) == ["EscrowFrozen"]


def test_an_inquiry_freezes_and_takes_nothing_and_may_become_a_chargeback() -> None:
    state = after(*RELEASED, hear(INQUIRY, **OWED))
    assert state.status == "DISPUTED"
    assert state.shares["anna"].reserved_minor == 0
    assert names(then(state, hear(charged_back(12), **OWED))) == ["EscrowFrozen", "ReleaseReserved", "ReleaseReserved"]


def test_an_inquiry_that_ends_lets_go() -> None:
    [unfrozen] = then(after(HOLD, hear(INQUIRY)), hear(closed("withdrawn")))
    assert isinstance(unfrozen, e.EscrowUnfrozen)
    assert (unfrozen.cause, unfrozen.sellers, unfrozen.outcome) == ("inquiry", ("anna", "bert"), "withdrawn")
    assert unfrozen.status == "HELD"


def test_a_chargeback_that_is_won_gives_the_reserve_back() -> None:
    anna, bert, unfrozen = then(after(*RELEASED, hear(charged_back(2), **OWED)), hear(closed("won")))
    assert isinstance(anna, e.ReserveReturned)
    assert isinstance(bert, e.ReserveReturned)
    assert isinstance(unfrozen, e.EscrowUnfrozen)
    assert bert.postings() == (
        Posting("seller:bert:reserved", "USD", 2_400),
        Posting("seller:bert:available", "USD", -2_400),
    )
    assert unfrozen.status == "RELEASED"


def test_a_lost_chargeback_is_paid_out_of_what_is_held() -> None:
    anna, bert, unfrozen = then(after(HOLD, hear(charged_back(2))), hear(closed("lost", 20, 16_000)))
    assert isinstance(anna, e.ChargebackCovered)
    assert isinstance(bert, e.ChargebackCovered)
    assert isinstance(unfrozen, e.EscrowUnfrozen)
    assert (bert.amount_minor, bert.held_minor, bert.held_net_minor) == (3_000, 3_000, 2_400)
    assert bert.postings() == (Posting("escrow:held", "USD", 3_000), Posting("receivable:chargebacks", "USD", -3_000))
    assert unfrozen.status == "REFUNDED"


def test_a_lost_chargeback_is_paid_by_the_sellers_reserve_then_balance_then_debt_and_our_commission() -> None:
    state = after(*RELEASED, hear(charged_back(2), anna=10_500, bert=1_000))
    events = then(state, hear(closed("lost", 20, 16_000), bert=500))
    assert names(events) == [
        *["ChargebackCovered", "ReleaseClawedBack"] * 2,
        "EscrowUnfrozen",
    ]
    bert = events[3]
    assert isinstance(bert, e.ReleaseClawedBack)
    assert (bert.cause, bert.cause_id) == ("chargeback", BANK)
    assert bert.clawback_id == clawback_id_of(allocation_id_of(ESCROW_ID, "bert"), BANK)
    assert (bert.balance_minor, bert.receivable_minor) == (1_500, 900)
    assert bert.postings() == (
        Posting("seller:bert:reserved", "USD", 1_000),
        Posting("seller:bert:available", "USD", 500),
        Posting("receivable:seller:bert", "USD", 900),
        Posting("revenue:commission", "USD", 600),
        Posting("receivable:chargebacks", "USD", -3_000),
    )
    state = after(*RELEASED, hear(charged_back(2), **OWED), hear(closed("lost", 20, 16_000)))
    assert statuses(state) == {"anna": "refunded", "bert": "refunded"}


def test_a_part_is_shared_out_by_what_is_left_and_taken_from_what_is_held_first() -> None:
    state = after(HOLD, release_now(1, "bert", 2_900), hear(charged_back(2, 1_600), bert=9_999))
    events = then(state, hear(closed("lost", 20, 1_600)))
    assert names(events) == [*["ChargebackCovered"] * 2, "ReleaseClawedBack", "EscrowUnfrozen"]
    anna, bert, clawed_back, _ = events
    assert isinstance(anna, e.ChargebackCovered)
    assert isinstance(bert, e.ChargebackCovered)
    assert isinstance(clawed_back, e.ReleaseClawedBack)
    assert (anna.amount_minor, anna.held_minor) == (1_300, 1_300)
    assert (bert.amount_minor, bert.held_minor, clawed_back.amount_minor) == (300, 100, 200)


def test_a_reserve_that_the_lost_chargeback_does_not_need_is_given_back() -> None:
    state = after(*RELEASED, hear(charged_back(2), **OWED))
    events = then(state, hear(closed("lost", 20, 1_600)))
    returned = [event.amount_minor for event in events if isinstance(event, e.ReserveReturned)]
    assert returned == [10_500 - 1_050, 2_400 - 240]
    assert all(not share.reserved_minor for share in after(HOLD).shares.values())


def test_the_marketplace_bears_what_the_sellers_do_not() -> None:
    *_, absorbed, _ = then(after(HOLD, refund(1, "anna")), hear(closed("lost", 20, 16_000)))
    assert isinstance(absorbed, e.ChargebackAbsorbed)
    assert absorbed.postings() == (
        Posting("expense:chargebacks", "USD", 13_000),
        Posting("receivable:chargebacks", "USD", -13_000),
    )
    by_policy = then(after(HOLD, hear(charged_back(2))), hear(closed("lost", 20, 16_000, borne_by="platform")))
    assert names(by_policy) == ["ChargebackAbsorbed", "EscrowUnfrozen"]
    assert isinstance(by_policy[-1], e.EscrowUnfrozen)
    assert by_policy[-1].status == "HELD"


def test_of_an_order_that_went_all_back_nothing_is_frozen_and_a_loss_is_ours() -> None:
    state = after(HOLD, refund(1))
    assert then(state, hear(charged_back(2))) == []
    assert then(state, hear(warned(2))) == []
    assert names(then(state, hear(closed("lost", 20, 500)))) == ["ChargebackAbsorbed", "EscrowUnfrozen"]
    assert names(then(state, hear(closed("won", 20)))) == ["EscrowUnfrozen"]


def test_a_refund_that_still_waits_pays_for_the_chargeback_first_and_is_not_made_on_top() -> None:
    waiting: list[Command] = [*RELEASED, refund(2, "bert", 2_000, OWED), hear(charged_back(3), anna=10_500)]
    events = history([*waiting, hear(closed("lost", 20, 16_000))])
    [kept_back] = [event for event in events if isinstance(event, e.RefundChargedBack)]
    assert (kept_back.refund_id, kept_back.amount_minor) == (refund_id_of(ESCROW_ID, 1), 2_000)
    assert kept_back.postings() == (
        Posting("refunds:payable", "USD", 2_000),
        Posting("receivable:chargebacks", "USD", -2_000),
    )
    assert "ChargebackAbsorbed" not in names(events), "2,000 + 13,000 + 1,000 cover it"
    [settled] = then(after(*waiting, hear(closed("lost", 20, 16_000))), settle(kept_back.clawback_id))
    assert isinstance(settled, e.ClawbackSettled)
    assert settled.amount_minor == 0


def test_a_refund_that_waits_is_made_for_what_the_chargeback_left_of_it() -> None:
    waiting: list[Command] = [*RELEASED, refund(2, "bert", 2_000, OWED), hear(closed("lost", 20, 500))]
    [clawback_id] = after(*waiting).clawbacks
    [settled] = then(after(*waiting), settle(clawback_id))
    assert isinstance(settled, e.ClawbackSettled)
    assert (settled.amount_minor, settled.commission_minor) == (1_500, 300)


ORDERS: list[list[Fact]] = [
    [INQUIRY, charged_back(12), closed("won")],
    [INQUIRY, charged_back(12), closed("lost", 20, 16_000)],
    [charged_back(12), closed("lost", 20, 700)],
    [INQUIRY, closed("withdrawn")],
]


@pytest.mark.parametrize("facts", ORDERS)
@pytest.mark.parametrize("held_first", [True, False])
def test_a_chargeback_heard_in_any_order_and_twice_ends_the_same(facts: list[Fact], held_first: bool) -> None:
    ends: set[tuple[object, ...]] = set()
    for order in permutations([*facts, facts[-1], facts[0]]):
        heard = [hear(fact, **OWED) for fact in order]
        state = after(HOLD, *heard) if held_first else after(*heard, HOLD)
        ends.add((str(state.shares), str(state.ended), state.status))
    assert len(ends) == 1


def test_an_end_heard_before_the_beginning_is_the_end() -> None:
    assert then(after(*RELEASED, hear(closed("won"))), hear(charged_back(12), **OWED)) == []
    assert then(after(HOLD, hear(closed("withdrawn"))), hear(INQUIRY)) == []
    # An inquiry's end says nothing of a chargeback that follows it.
    assert names(then(after(HOLD, hear(closed("withdrawn"))), hear(charged_back(12)))) == ["EscrowFrozen"]


def test_a_chargeback_that_follows_a_withdrawn_inquiry_ends_too() -> None:
    state = after(HOLD, hear(INQUIRY), hear(closed("withdrawn")), hear(charged_back(12)), hear(closed("withdrawn", 15)))
    assert state.status == "HELD"


def test_a_chargeback_before_the_money_freezes_it_on_arrival_and_not_earlier() -> None:
    noted = after(hear(charged_back(-1)))
    assert noted.held is None
    held, frozen = then(noted, HOLD)
    assert isinstance(held, e.FundsHeld)
    assert isinstance(frozen, e.EscrowFrozen)
    assert (frozen.at, frozen.status) == (NOON, "DISPUTED")


def test_two_chargebacks_of_one_payment_freeze_until_both_are_over() -> None:
    other = UUID(int=100)
    both: list[Command] = [*RELEASED, hear(charged_back(2), **OWED), hear(charged_back(3, chargeback_id=other), **OWED)]
    assert after(*both).shares["bert"].reserved_minor == 2_400, "no more than the seller got"
    one_won = [*both, hear(closed("won"))]
    assert after(*one_won).status == "DISPUTED"
    assert after(*one_won, hear(closed("won", chargeback_id=other))).status == "RELEASED"


def test_a_cancellation_waits_for_the_bank_and_a_dispute_is_kept_beside_it() -> None:
    state = after(HOLD, hear(charged_back(2)))
    refused(state, hear(cancelled(3)), "charged_back")
    assert names(then(state, hear(disputed(3, "bert")))) == ["DisputeOpened"]
    settled = after(HOLD, hear(charged_back(2)), hear(disputed(3, "bert")), hear(closed("won")))
    assert statuses(settled) == {"anna": "held", "bert": "disputed"}


def test_deliveries_count_while_the_bank_decides() -> None:
    state = after(HOLD, hear(charged_back(2)), hear(delivered(3)), hear(closed("won")))
    assert statuses(state) == {"anna": "pending_release", "bert": "pending_release"}
    assert names(then(state, release(20))) == ["AllocationReleased"] * 2


def test_a_warning_of_fraud_freezes_what_is_held_until_a_person_decides() -> None:
    [frozen] = then(after(HOLD, release_now(0, "anna")), hear(warned(1)))
    assert isinstance(frozen, e.EscrowFrozen)
    assert (frozen.cause, frozen.cause_id, frozen.sellers) == ("fraud_warning", "issfr_1", ("bert",))
    assert frozen.status == "PARTIALLY_RELEASED", "nobody contests it yet"
    [unfrozen] = then(after(HOLD, hear(warned(1))), unfreeze(2))
    assert isinstance(unfrozen, e.EscrowUnfrozen)
    assert (unfrozen.sellers, unfrozen.outcome, unfrozen.requested_by) == (("anna", "bert"), "cleared", "ada")


def test_a_warning_counts_once_also_after_a_person_has_cleared_it() -> None:
    assert then(after(HOLD, hear(warned(1))), hear(warned(2))) == []
    assert then(after(HOLD, hear(warned(1)), unfreeze(2)), hear(warned(1))) == []
    assert then(after(HOLD, release_now(0)), hear(warned(1))) == []


@pytest.mark.parametrize(
    ("state", "cause_id", "code"),
    [
        (State(), "issfr_1", "unknown_escrow"),
        (after(HOLD), "issfr_1", "not_frozen"),
        (after(HOLD, hear(warned(1)), unfreeze(2)), "issfr_1", "not_frozen"),
        (after(HOLD, hear(charged_back(1))), str(BANK), "charged_back"),
        (after(HOLD, hear(INQUIRY)), str(BANK), "charged_back"),
    ],
)
def test_what_a_person_cannot_unfreeze_is_refused(state: State, cause_id: str, code: str) -> None:
    refused(state, unfreeze(3, cause_id), code)


def test_events_of_the_bank_are_dated_when_the_bank_said_so() -> None:
    assert {event.at for event in then(after(*RELEASED), hear(charged_back(2), **OWED))} == {day(2)}
