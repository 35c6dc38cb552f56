"""Payouts that somebody asks for."""

from __future__ import annotations

import asyncio

from tests.integration.payout_scheduler.desk import Desk


async def test_who_asks_is_paid_all_that_can_be_paid(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    asked = await desk.pay("k1")
    assert (asked["status"], asked["amount_minor"], asked["currency"]) == ("scheduled", 9_000, "USD")
    await desk.work()
    assert (await desk.get(f"/payouts/{asked['payout_id']}"))["status"] == "submitted"
    assert (await desk.payouts_due())["done"] == 0


async def test_the_same_key_is_the_same_payout(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    first = await desk.pay("k1", amount_minor=4_000)
    await desk.work()
    again = await desk.pay("k1", amount_minor=4_000)
    assert (again["payout_id"], again["status"]) == (first["payout_id"], "submitted")
    assert len(desk.twin_payouts()) == 1
    assert (await desk.wallet())["available"] == 5_000
    assert (await desk.pay("k1", 422, amount_minor=3_000))["code"] == "key_reused"


async def test_the_same_key_at_the_same_moment_is_one_payout(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    answers = await asyncio.gather(*(desk.pay("k1", amount_minor=4_000) for _ in range(5)))
    assert len({answer["payout_id"] for answer in answers}) == 1
    await desk.work()
    assert len(desk.twin_payouts()) == 1
    assert (await desk.wallet())["available"] == 5_000


async def test_several_keys_at_the_same_moment_never_pay_more_than_there_is(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.catch_up()
    answers = await asyncio.gather(
        *(
            desk.http.post(
                "/payouts", json={"seller": "anna", "amount_minor": 4_000}, headers={"idempotency-key": f"k{number}"}
            )
            for number in range(6)
        )
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes.count(201) == 2, codes
    assert set(codes) <= {201, 409, 422}
    await desk.work()
    assert [made["amount"] for made in desk.twin_payouts()] == [4_000, 4_000]
    assert (await desk.wallet())["available"] == 1_000


async def test_a_key_is_required(desk: Desk) -> None:
    await desk.register()
    assert (await desk.pay("", 422))["code"] == "invalid_request"


async def test_nobody_gets_more_than_can_be_paid_or_less_than_the_minimum(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    too_much = await desk.pay("k1", 422, amount_minor=9_001)
    assert (too_much["code"], too_much["payable_minor"]) == ("not_payable", 9_000)
    too_little = await desk.pay("k2", 422, amount_minor=999)
    assert (too_little["code"], too_little["minimum_minor"]) == ("below_minimum", 1_000)
    assert (await desk.pay("k3", 422, currency="EUR"))["code"] == "below_minimum"
    assert (await desk.pay("k4", 422, currency="XXX"))["code"] == "unknown_currency"
    assert (await desk.pay("k5", 404, seller="nobody"))["code"] == "unknown_seller"
    assert await desk.events_of("payout") == []


async def test_a_seller_without_money_is_asked_which_currency(desk: Desk) -> None:
    await desk.ready()
    assert (await desk.pay("k1", 422))["code"] == "currency_needed"


async def test_a_seller_who_is_not_ready_cannot_be_paid(desk: Desk) -> None:
    await desk.register()
    await desk.release("A-1", "anna", 10_000)
    assert (await desk.pay("k1", 422))["code"] == "seller_not_ready"


async def test_while_stripe_turns_us_away_a_payout_is_to_be_asked_for_later(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.twin.fault("balance.retrieve", "rate_limit_429")
    assert (await desk.pay("k1", 503))["code"] == "turned_away"
    assert await desk.events_of("payout") == []
    assert (await desk.pay("k1"))["amount_minor"] == 9_000


async def test_payouts_are_listed_newest_first_page_by_page(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    made = [await desk.pay(f"k{number}", amount_minor=1_000 + number) for number in range(3)]
    await desk.catch_up()
    page = await desk.get("/payouts", seller="anna", limit=2)
    assert [each["payout_id"] for each in page["items"]] == [made[2]["payout_id"], made[1]["payout_id"]]
    rest = await desk.get("/payouts", seller="anna", limit=2, after=page["next"])
    assert ([each["payout_id"] for each in rest["items"]], rest["next"]) == ([made[0]["payout_id"]], None)
    assert (await desk.get("/payouts", status="paid"))["items"] == []
    assert len((await desk.get("/payouts", status="scheduled"))["items"]) == 3


async def test_what_is_claimed_and_not_yet_submitted_is_not_there_for_the_next_who_asks(desk: Desk) -> None:
    """Stripe has not heard of the first payout, and more is owed than was transferred: only our books can tell."""
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.twin.fault("transfers.create", "rate_limit_429")
    await desk.release("A-2", "anna", 20_000)
    await desk.pay("k1", amount_minor=5_000)
    assert (await desk.wallet())["available"] == 22_000
    assert (await desk.pay("k2"))["amount_minor"] == 4_000
    await desk.work()
    assert (await desk.pay("k3", 422))["payable_minor"] == 0
    assert sorted(made["amount"] for made in desk.twin_payouts()) == [4_000, 5_000]
