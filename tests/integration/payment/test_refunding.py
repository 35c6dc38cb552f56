"""Money goes back to the buyer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from contracts.events.escrows import EscrowAllocationRefunded
from libs.devstack.stripe_twin import TwinConfig, running_twin
from libs.ledger.errors import Rejected
from services.payment.domain.order import payment_id_of
from tests.integration.payment.desk import NOON, ORDER, Desk, open_desk, refund_id

PAID = ["PaymentRequested", "IntentCreated", "PaymentCaptured"]


async def test_a_refund_reaches_the_buyer_once_and_the_books_agree(desk: Desk) -> None:
    await desk.place_and_pay()
    await desk.refund()
    await desk.work()
    assert await desk.story() == [*PAID, "RefundRequested", "RefundSucceeded"]
    assert await desk.balance("refunds:payable") == await desk.balance("stripe:platform") == 0
    assert (await desk.twin.summary())["currencies"]["eur"]["refunded"] == 4_000
    shown = await desk.shown()
    assert (shown["status"], shown["refunded_minor"]) == ("refunded", 4_000)
    assert [(each["refund_id"], each["status"]) for each in shown["refunds"]] == [(str(refund_id()), "succeeded")]
    assert await desk.work_left() == []


async def test_the_same_refund_told_twice_is_one(desk: Desk) -> None:
    await desk.place_and_pay()
    await desk.refund(1_500)
    await desk.refund(1_500)
    await desk.work()
    assert (await desk.twin.summary())["currencies"]["eur"]["refunded"] == 1_500
    assert (await desk.shown())["status"] == "partially_refunded"


async def test_two_refunds_of_one_payment_are_two(desk: Desk) -> None:
    await desk.place_and_pay()
    await desk.refund(1_500)
    await desk.refund(2_500, number=2)
    await desk.work()
    assert (await desk.twin.summary())["currencies"]["eur"]["refunded"] == 4_000
    assert (await desk.shown())["status"] == "refunded"
    assert (await desk.shown())["refunded_minor"] == 4_000


async def test_one_allocations_refund_is_asked_for_once_as_any_other(desk: Desk) -> None:
    await desk.place_and_pay()
    payment_id = payment_id_of(1, ORDER.order_id)
    message = EscrowAllocationRefunded(
        escrow_id=payment_id,
        payment_id=payment_id,
        order_id=ORDER.order_id,
        currency="EUR",
        refund_id=refund_id(),
        allocation_id=refund_id(2),
        seller="s1",
        amount_minor=1_000,
        commission_minor=200,
        net_minor=800,
        after_release=True,
        reason="broken",
        refunded_at=NOON,
    )
    for _ in range(2):
        await desk.handlers.escrow_refunded(message, desk.envelope(message))
    assert await desk.story() == [*PAID, "RefundRequested"]
    assert [(each.amount_minor, each.status) for each in (await desk.state()).refunds.values()] == [
        (1_000, "requested")
    ]


async def test_a_refund_that_nobody_paid_for_is_refused(desk: Desk) -> None:
    await desk.place()
    with pytest.raises(Rejected) as refused:
        await desk.refund()
    assert refused.value.code == "not_captured"


async def test_a_refund_that_stripe_refuses_fails_visibly_and_the_money_stays_owed(desk: Desk) -> None:
    await desk.place_and_pay()
    intent = await desk.intent_id()
    charge = desk.twin.world.payment_intents.get("platform", intent).latest_charge
    desk.twin.world.charges.get("platform", str(charge)).amount_refunded_minor = 4_000  # somebody, by hand, at Stripe
    await desk.refund()
    await desk.work()
    assert await desk.story() == [*PAID, "RefundRequested", "RefundFailed"]
    [shown] = (await desk.shown())["refunds"]
    assert (shown["status"], shown["failure_code"]) == ("failed", "charge_already_refunded")
    assert await desk.balance("refunds:payable") == -4_000
    assert await desk.work_left() == []


@pytest.fixture
async def poor_desk(database_url: str) -> AsyncIterator[Desk]:
    """A desk whose Stripe takes fees, and lets refunds wait until there are funds."""
    async with (
        running_twin(TwinConfig(refunds_wait_for_funds=True, seed=7, check_responses=True)) as twin,
        open_desk(database_url, twin) as opened,
    ):
        yield opened


async def test_a_pending_refund_succeeds_when_stripe_says_so(poor_desk: Desk) -> None:
    desk = poor_desk
    await desk.place_and_pay()
    await desk.refund()
    await desk.work()
    assert await desk.story() == [*PAID, "RefundRequested", "RefundPending"]
    assert (await desk.balance("refunds:payable"), (await desk.shown())["status"]) == (-4_000, "captured")
    await desk.place_and_pay(order=ORDER.model_copy(update={"order_id": "A-2"}))
    assert await desk.story() == [*PAID, "RefundRequested", "RefundPending", "RefundSucceeded"]
    assert (await desk.balance("refunds:payable"), (await desk.shown())["status"]) == (0, "refunded")
