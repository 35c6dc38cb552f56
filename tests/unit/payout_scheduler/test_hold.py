from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from services.payout_scheduler.domain.hold import (
    HOLD,
    Held,
    HoldOpened,
    HoldReduced,
    HoldRefunded,
    OpenHold,
    ReduceHold,
    RefundHold,
)
from tests.unit.payout_scheduler.given import NOON, hour, then

HELD = (Held(allocation_id=UUID(int=2), seller="anna", net_minor=8_000),)
OPEN = OpenHold(escrow_id=UUID(int=3), order_id="A-1", currency="EUR", held=HELD, at=NOON)
REFUND = RefundHold(escrow_id=UUID(int=3), at=hour(1))


def test_a_hold_is_opened_and_refunded_once() -> None:
    assert then(HOLD, [], OPEN) == [
        HoldOpened(at=NOON, escrow_id=UUID(int=3), order_id="A-1", currency="EUR", held=HELD)
    ]
    assert then(HOLD, [OPEN], OPEN) == []
    assert then(HOLD, [OPEN], REFUND) == [HoldRefunded(at=hour(1), escrow_id=UUID(int=3))]
    assert then(HOLD, [OPEN, REFUND], REFUND) == []


def test_a_refund_that_overtakes_its_hold_leaves_nothing_to_hold() -> None:
    assert then(HOLD, [REFUND], OPEN) == []


def test_a_part_that_is_lost_is_taken_from_the_hold_whichever_comes_first() -> None:
    lost = replace(HELD[0], net_minor=300)
    reduce = ReduceHold(escrow_id=UUID(int=3), currency="EUR", lost=lost, at=hour(1))
    reduced = HoldReduced(at=hour(1), escrow_id=UUID(int=3), currency="EUR", lost=lost)
    assert then(HOLD, [OPEN], reduce) == then(HOLD, [], reduce) == [reduced]
    assert len(then(HOLD, [reduce], OPEN)) == 1
    assert then(HOLD, [OPEN], replace(reduce, lost=replace(lost, net_minor=0))) == []
