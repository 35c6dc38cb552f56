"""From a release to the seller's bank."""

from __future__ import annotations

from tests.integration.payout_scheduler.desk import MONDAY, SLOT, Desk

PAID = ["PayoutStarted", "PayoutSubmitted", "PayoutPaid"]


async def test_a_release_becomes_a_transfer_and_on_the_slot_a_payout(desk: Desk) -> None:
    await desk.ready()
    await desk.hold("A-1", anna=10_000)
    assert await desk.wallet() == {"available": 0, "pending": 9_000, "in_transit": 0, "earned": 0, "withdrawn": 0}
    await desk.release("A-1", "anna", 10_000)
    assert await desk.events_of("transfer") == ["TransferRequested", "TransferSettled"]
    assert await desk.balance("stripe:connected:anna") == 9_000
    assert await desk.balance("stripe:platform") == 1_000

    summary = await desk.payouts_due()
    assert summary == {"done": 1, "left": 0, "paid_minor": {"USD": 9_000}, "waiting": 0}
    assert await desk.wallet() == {"available": 0, "pending": 0, "in_transit": 9_000, "earned": 9_000, "withdrawn": 0}
    assert await desk.story() == ["PayoutStarted", "PayoutSubmitted"]

    await desk.pass_days(3)
    assert await desk.story() == PAID
    assert await desk.wallet() == {"available": 0, "pending": 0, "in_transit": 0, "earned": 9_000, "withdrawn": 9_000}
    assert await desk.balance("stripe:connected:anna") == 0
    assert await desk.balance("payouts:in_transit") == 0
    [payout] = await desk.payouts()
    assert (payout["status"], payout["slot"], payout["amount_minor"], payout["attempt"]) == ("paid", SLOT, 9_000, 1)
    assert await desk.get(f"/payouts/{payout['payout_id']}") == payout
    assert desk.twin.world.books.conserved()
    assert desk.twin.world.books.total("payout_paid", "usd") == 9_000
    assert await desk.work_left() == []


async def test_a_slot_is_paid_once_and_the_next_one_again(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.payouts_due(MONDAY)
    await desk.release("A-2", "anna", 5_000)
    later = MONDAY.replace(day=8, hour=23)
    assert (await desk.payouts_due(later))["done"] == 0
    assert (await desk.wallet())["available"] == 4_500
    assert (await desk.payouts_due(MONDAY.replace(day=9)))["done"] == 1
    assert [payout["slot"] for payout in await desk.payouts()] == ["2026-W46", SLOT]
    assert (await desk.wallet())["available"] == 0


async def test_a_balance_below_the_minimum_is_carried_over(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 1_110)  # 999 net
    assert (await desk.payouts_due())["done"] == 0
    await desk.release("A-2", "anna", 1_110)
    assert (await desk.payouts_due())["paid_minor"] == {"USD": 1_998}


async def test_a_payout_is_what_stripe_can_pay_now_and_the_rest_waits(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.release("A-2", "anna", 20_000, charge=await desk.charge("A-2", 20_000, instant=False))
    assert (await desk.wallet())["available"] == 27_000
    assert (await desk.payouts_due())["paid_minor"] == {"USD": 9_000}
    assert (await desk.wallet())["available"] == 18_000
    await desk.pass_days(3)
    assert (await desk.payouts_due(MONDAY.replace(day=9)))["paid_minor"] == {"USD": 18_000}


async def test_nothing_is_paid_that_was_not_transferred(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.twin.fault("transfers.create", "lock_timeout_429")
    await desk.release("A-2", "anna", 20_000)
    assert await desk.work_left() == ["create_transfer"]
    assert await desk.balance("stripe:connected:anna") == 9_000
    assert (await desk.payouts_due())["paid_minor"] == {"USD": 9_000}


async def test_several_sellers_are_paid_each_their_own(desk: Desk) -> None:
    await desk.ready("anna")
    await desk.ready("bert")
    await desk.release("A-1", "anna", 10_000)
    await desk.release("A-2", "bert", 20_000)
    assert (await desk.payouts_due())["paid_minor"] == {"USD": 27_000}
    assert [p["amount_minor"] for p in await desk.payouts("bert")] == [18_000]
    assert [p["amount_minor"] for p in await desk.payouts("anna")] == [9_000]


async def test_a_message_that_comes_twice_is_one_transfer(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000, times=3)
    assert desk.transfers_made() == 1
    assert await desk.balance("stripe:connected:anna") == 9_000


async def test_a_release_that_is_all_commission_moves_nothing(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 100, commission=100)
    assert await desk.events_of("transfer") == []
    assert await desk.work_left() == []


async def test_money_of_a_refunded_escrow_is_pending_no_longer(desk: Desk) -> None:
    await desk.hold("A-1", anna=10_000, bert=5_000)
    await desk.hold("A-2", anna=1_000)
    assert (await desk.wallet("anna"))["pending"] == 9_900
    await desk.release("A-1", "bert", 5_000)
    await desk.refund("A-1", 10_000)
    assert (await desk.wallet("anna"))["pending"] == 900
    assert (await desk.wallet("bert"))["pending"] == 0


async def test_what_is_held_shrinks_with_partial_refunds_and_lost_chargebacks(desk: Desk) -> None:
    await desk.refund_part("A-1", "anna", 1_000)  # it may overtake its hold
    await desk.hold("A-1", anna=10_000, bert=5_000)
    await desk.cover_chargeback("A-1", "anna", 2_000)
    await desk.refund_part("A-1", "anna", 500, after_release=True)
    assert (await desk.wallet("anna"))["pending"] == 6_000
    assert (await desk.wallet("bert"))["pending"] == 4_500
    await desk.release("A-1", "anna", 6_000, commission=0)
    assert (await desk.wallet("anna"))["pending"] == 0


async def test_schedules_decide_who_is_due(desk: Desk) -> None:
    for name, frequency in (("anna", "daily"), ("bert", "on_demand"), ("carl", "monthly")):
        await desk.ready(name)
        await desk.http.put(f"/sellers/{name}/schedule", json={"frequency": frequency})
        await desk.release(f"A-{name}", name, 10_000)
    await desk.payouts_due(MONDAY)
    assert [p["slot"] for p in await desk.payouts("anna")] == ["2026-11-02"]
    assert await desk.payouts("bert") == []
    assert [p["slot"] for p in await desk.payouts("carl")] == ["2026-11"]


async def test_money_on_the_account_that_we_do_not_owe_is_not_paid_out(desk: Desk) -> None:
    """Somebody at the platform sent a bonus by hand, which our books know nothing of."""
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    account = (await desk.seller())["account_id"]
    await desk.charge("bonus", 5_000)
    await desk.buyer.v1.transfers.create_async({"amount": 5_000, "currency": "usd", "destination": account})
    assert (await desk.payouts_due())["paid_minor"] == {"USD": 9_000}
