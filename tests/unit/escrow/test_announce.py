from __future__ import annotations

from contracts.events import escrows
from contracts.events.base import Message
from libs.ledger.personal import SEALED
from services.escrow.announce import announce
from services.escrow.domain import events as e
from services.escrow.domain.allocation import allocation_id_of, clawback_id_of, refund_id_of, release_id_of
from services.escrow.domain.commands import Command
from tests.unit.escrow.given import (
    BANK,
    ESCROW_ID,
    HOLD,
    NOON,
    cancelled,
    charged_back,
    closed,
    day,
    delivered,
    disputed,
    hear,
    history,
    refund,
    release,
    release_now,
    settle,
)

NAMES = {"escrow_id": ESCROW_ID, "payment_id": HOLD.payment_id, "order_id": "order-1", "currency": "USD"}
ANNA, BERT = allocation_id_of(ESCROW_ID, "anna"), allocation_id_of(ESCROW_ID, "bert")


def _announced(*commands: Command) -> list[Message]:
    return [message for event in history(commands) if (message := announce(event))]


def test_held_money_is_announced_with_its_allocations_and_timers() -> None:
    assert _announced(HOLD) == [
        escrows.EscrowHeld(
            **NAMES,
            amount_minor=16_000,
            allocations=(
                escrows.Allocation(allocation_id=ANNA, seller="anna", gross_minor=13_000, commission_minor=2_500),
                escrows.Allocation(allocation_id=BERT, seller="bert", gross_minor=3_000, commission_minor=600),
            ),
            held_at=NOON,
            deliver_by=day(30),
            hold_until_max=day(90),
        )
    ]


def test_a_confirmed_delivery_is_announced_with_the_time_of_release() -> None:
    assert _announced(HOLD, hear(delivered(3, "bert")))[-1] == escrows.EscrowDeliveryConfirmed(
        **NAMES,
        sellers=("bert",),
        confirmation="COURIER_CONFIRMED",
        confirmed_by="courier",
        confirmed_at=day(3),
        release_at=day(10),
    )


def test_the_last_release_is_announced_as_released_and_those_before_as_partially_released() -> None:
    first, last = _announced(HOLD, hear(delivered(3)), release(10))[-2:]
    assert isinstance(first, escrows.EscrowPartiallyReleased)
    assert last == escrows.EscrowReleased(
        **NAMES,
        release=escrows.Release(
            release_id=release_id_of(BERT, 1),
            allocation_id=BERT,
            seller="bert",
            gross_minor=3_000,
            commission_minor=600,
            net_minor=2_400,
        ),
        release_type="task_completion",
        charge="ch_1",
        released_at=day(10),
    )


def test_a_release_beside_a_dispute_is_partial() -> None:
    *_, last = _announced(HOLD, hear(delivered(3)), hear(disputed(4, "anna")), release(10))
    assert isinstance(last, escrows.EscrowPartiallyReleased)


def test_a_refund_is_announced_with_its_amount_and_not_with_what_somebody_typed() -> None:
    assert _announced(HOLD, hear(cancelled(2)))[-1] == escrows.EscrowRefunded(
        **NAMES,
        refund_id=refund_id_of(ESCROW_ID, 1),
        amount_minor=16_000,
        reason=SEALED,
        refunded_at=day(2),
    )


def test_a_dispute_is_announced_with_the_sellers_whose_money_is_frozen() -> None:
    assert _announced(HOLD, hear(disputed(4, "anna")))[-1] == escrows.EscrowDisputed(
        **NAMES, sellers=("anna",), opened_by="buyer", reason=SEALED, disputed_at=day(4)
    )


def test_notes_and_their_refusals_are_nobody_elses_business() -> None:
    noted, held, refused = history([hear(delivered(1, "carl")), HOLD])
    assert isinstance(noted, e.FactNoted)
    assert isinstance(refused, e.FactRefused)
    assert [announce(event) is None for event in (noted, held, refused)] == [True, False, True]


OWED = {"anna": 10_500, "bert": 400}


def test_a_refund_out_of_what_is_held_is_announced_at_once() -> None:
    assert _announced(HOLD, refund(2, "bert", 1_000))[-1] == escrows.EscrowAllocationRefunded(
        **NAMES,
        refund_id=refund_id_of(ESCROW_ID, 1),
        allocation_id=BERT,
        seller="bert",
        amount_minor=1_000,
        commission_minor=200,
        net_minor=800,
        after_release=False,
        reason=SEALED,
        refunded_at=day(2),
    )


def test_a_refund_of_released_money_is_announced_as_a_claw_back_and_when_it_is_back_as_a_refund() -> None:
    clawback_id = clawback_id_of(BERT, refund_id_of(ESCROW_ID, 1))
    *_, clawed_back, refunded = _announced(
        HOLD, release_now(1), refund(2, "bert", None, OWED), settle(clawback_id, 3, 400)
    )
    assert clawed_back == escrows.EscrowClawedBack(
        **NAMES,
        clawback_id=clawback_id,
        allocation_id=BERT,
        seller="bert",
        cause="refund",
        net_minor=2_400,
        balance_minor=400,
        receivable_minor=2_000,
        clawed_back_at=day(2),
    )
    assert isinstance(refunded, escrows.EscrowAllocationRefunded)
    assert (refunded.refund_id, refunded.amount_minor, refunded.after_release, refunded.refunded_at) == (
        refund_id_of(ESCROW_ID, 1),
        3_000,
        True,
        day(3),
    )


def test_a_lost_chargeback_is_announced_by_allocation_and_what_was_released_as_a_claw_back() -> None:
    told = _announced(HOLD, release_now(1, "bert"), hear(charged_back(2)), hear(closed("lost", 20, 16_000), **OWED))
    frozen, anna, bert, clawed_back, unfrozen = told[-5:]
    assert frozen == escrows.EscrowFrozen(
        **NAMES, cause="chargeback", cause_id=str(BANK), sellers=("anna", "bert"), frozen_at=day(2)
    )
    assert isinstance(anna, escrows.EscrowChargebackCovered)
    assert (anna.chargeback_id, anna.amount_minor, anna.held_net_minor) == (BANK, 13_000, 10_500)
    assert isinstance(bert, escrows.EscrowChargebackCovered)
    assert (bert.amount_minor, bert.held_net_minor) == (3_000, 0)
    assert isinstance(clawed_back, escrows.EscrowClawedBack)
    assert (clawed_back.cause, clawed_back.net_minor, clawed_back.balance_minor) == ("chargeback", 2_400, 400)
    assert isinstance(unfrozen, escrows.EscrowUnfrozen)


def test_what_ended_before_it_was_heard_of_and_what_concerns_no_seller_is_nobody_elses_business() -> None:
    assert len(_announced(HOLD, hear(closed("won")))) == 1
    refund_taken = _announced(HOLD, release_now(1), refund(2, "bert", None, OWED), hear(closed("lost", 3, 3_000)))
    clawback_id = clawback_id_of(BERT, refund_id_of(ESCROW_ID, 1))
    waiting: list[Command] = [HOLD, release_now(1), refund(2, "bert", None, OWED), hear(closed("lost", 3, 3_000))]
    assert _announced(*waiting, settle(clawback_id)) == refund_taken
