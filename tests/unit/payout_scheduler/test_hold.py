from __future__ import annotations

from uuid import UUID

from services.payout_scheduler.domain.hold import HOLD, Held, HoldOpened, HoldRefunded, OpenHold, RefundHold
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
