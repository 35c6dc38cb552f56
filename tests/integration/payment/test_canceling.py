"""An order is cancelled before it is paid, or while it is."""

from __future__ import annotations

from tests.integration.payment.desk import Desk

CREATED = ["PaymentRequested", "IntentCreated"]


async def test_an_unpaid_order_is_canceled_at_stripe_and_cannot_be_paid(desk: Desk) -> None:
    await desk.place()
    await desk.work()
    await desk.cancel()
    await desk.projector.catch_up()
    assert (await desk.shown())["client_secret"] is None, "nobody shall pay from now on"
    await desk.work()
    assert await desk.story() == [*CREATED, "CancelRequested", "PaymentCanceled"]
    assert desk.twin.world.payment_intents.get("platform", await desk.intent_id()).status == "canceled"
    assert await desk.work_left() == []


async def test_a_cancellation_that_overtakes_the_intent_is_carried_out_when_there_is_one(desk: Desk) -> None:
    await desk.place()
    await desk.cancel()
    await desk.work()
    assert await desk.story() == [
        "PaymentRequested", "CancelRequested", "IntentCreated", "CancelRequested", "PaymentCanceled",
    ]  # fmt: skip
    assert await desk.work_left() == []


async def test_a_cancellation_that_overtakes_its_order_leaves_nothing_at_stripe(desk: Desk) -> None:
    await desk.cancel()
    await desk.place()
    await desk.work()
    assert await desk.story() == ["CancelRequested", "OrderRejected"]
    assert (await desk.shown())["last_failure_code"] == "order_cancelled"
    assert len(desk.twin.world.payment_intents) == 0


async def test_a_buyer_who_pays_while_we_cancel_has_paid(desk: Desk) -> None:
    await desk.place()
    await desk.work()
    await desk.cancel()
    await desk.projector.catch_up()
    await desk.twin.confirm(await desk.intent_id())
    await desk.work()
    assert await desk.story() == [*CREATED, "CancelRequested", "PaymentCaptured"]
    assert await desk.balance("funds:unallocated") == -4_000
    assert await desk.work_left() == []


async def test_a_cancellation_that_stripe_did_not_answer_is_made_again(desk: Desk) -> None:
    await desk.place()
    await desk.work()
    await desk.cancel()
    await desk.twin.fault("payment_intents.cancel", "timeout_after_effect")
    await desk.work()
    assert await desk.work_left() in ([], ["cancel_intent"]), "its notice may come before our second question"
    await desk.later()
    assert await desk.story() == [*CREATED, "CancelRequested", "PaymentCanceled"]


async def test_a_cancellation_that_failed_at_stripe_is_made_again(desk: Desk) -> None:
    await desk.place()
    await desk.work()
    await desk.cancel()
    await desk.twin.fault("payment_intents.cancel", "error_500")
    await desk.work()
    assert await desk.work_left() == ["cancel_intent"]
    await desk.later()
    assert await desk.story() == [*CREATED, "CancelRequested", "PaymentCanceled"]
