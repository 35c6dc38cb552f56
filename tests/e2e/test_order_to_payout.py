"""From `order.placed` to `payout.paid`: one scenario, on both composition roots."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from contracts.events.orders import OrderCancelled
from tests.e2e.laws import assert_conserved, assert_proven
from tests.e2e.world import MONDAY, World, delivered, placed

DELIVERED = MONDAY + timedelta(days=2)
RELEASED = DELIVERED + timedelta(days=7)
NEXT_MONDAY = MONDAY + timedelta(days=14)


async def _escrow_is(world: World, order_id: str, status: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        escrow = await world.escrow(order_id)
        return escrow if escrow and escrow["status"] == status else None

    return await world.until(look)


async def _transferred(world: World, *transfers: int) -> bool:
    """At the twin, and known to the ledger, which hears of it a moment later."""
    totals = (await world.twin.summary())["currencies"].get("usd")
    settled = await world.database.fetchval("select count(*) from ledger.events where type = 'TransferSettled'")
    return bool(totals and totals["transferred"] == sum(transfers) and settled == len(transfers))


async def test_an_order_of_two_sellers_becomes_two_payouts(world: World) -> None:
    await world.sellers("ann", "bob")
    await world.tell(placed("order-1", ("ann", 10_000), ("bob", 4_000)))
    await world.pay("order-1")
    held = await _escrow_is(world, "order-1", "HELD")
    assert [a["gross_minor"] for a in held["allocations"]] == [10_000, 4_000]
    await assert_conserved(world)

    await world.tell(delivered("order-1", DELIVERED))
    await _escrow_is(world, "order-1", "PENDING_RELEASE")
    early = await world.job("release-due", RELEASED - timedelta(seconds=1))
    assert early["left"] == 0
    assert await _escrow_is(world, "order-1", "PENDING_RELEASE")
    await world.job("release-due", RELEASED)
    await _escrow_is(world, "order-1", "RELEASED")
    # 20 % commission: 2,000 of 10,000 and 800 of 4,000.
    await world.until(lambda: _transferred(world, 8_000, 3_200))
    await assert_conserved(world)

    await world.twin.set_clock(int(NEXT_MONDAY.timestamp()))
    await asyncio.gather(*(world.job("payouts-due", NEXT_MONDAY) for _ in range(2)))  # two at once pay once
    await world.twin.advance(3 * 86_400)

    async def paid() -> list[dict[str, Any]] | None:
        payouts: list[dict[str, Any]] = (await world.get("payout_scheduler", "/payouts"))["items"]
        return payouts if payouts and all(payout["status"] == "paid" for payout in payouts) else None

    payouts = await world.until(paid)
    assert sorted((payout["seller"], payout["amount_minor"]) for payout in payouts) == [("ann", 8_000), ("bob", 3_200)]

    held_now = await assert_conserved(world)
    assert held_now["revenue:commission"] == -2_800
    assert {account for account, amount in held_now.items() if amount} == {"revenue:commission", "stripe:platform"}
    await assert_proven(world)


async def test_a_cancelled_order_goes_back_to_the_buyer_to_the_cent(world: World) -> None:
    await world.tell(placed("order-1", ("ann", 5_000), ("bob", 2_500)))
    await world.pay("order-1")
    await _escrow_is(world, "order-1", "HELD")
    await world.tell(OrderCancelled(order_id="order-1", cancelled_by="shop", reason="out of stock"))
    await _escrow_is(world, "order-1", "REFUNDED")

    async def refunded() -> bool:
        payment = await world.payment("order-1")
        return payment is not None and payment["status"] == "refunded"

    await world.until(refunded)
    assert not any((await assert_conserved(world)).values())
    assert (await world.twin.summary())["currencies"]["usd"]["refunded"] == 7_500
    await assert_proven(world)


async def test_an_order_nobody_confirms_is_released_all_the_same(world: World) -> None:
    await world.sellers("ann")
    await world.tell(placed("order-1", ("ann", 5_000)))
    await world.pay("order-1")
    await _escrow_is(world, "order-1", "HELD")
    await world.job("release-due", MONDAY + timedelta(days=29))
    await _escrow_is(world, "order-1", "HELD")
    await world.job("release-due", MONDAY + timedelta(days=31))
    confirmed = await _escrow_is(world, "order-1", "PENDING_RELEASE")
    assert confirmed["allocations"][0]["release_at"] is not None
    await world.job("release-due", MONDAY + timedelta(days=39))
    await _escrow_is(world, "order-1", "RELEASED")
    await world.until(lambda: _transferred(world, 4_000))
    await assert_conserved(world)
