"""The market itself: the ordinary way of an order, from which every scenario departs."""

from __future__ import annotations

from libs.devstack.stripe_twin.config import TwinConfig
from tests.integration.cards.laws import check_laws, check_reconciled
from tests.integration.cards.market import open_market


async def test_an_order_goes_its_ordinary_way(database_url: str) -> None:
    async with open_market(database_url) as market:
        await market.sellers("ann", "bob")
        await market.release("o1", ("ann", 10_000), ("bob", 5_000))
        assert await market.balances() == {
            "stripe:platform": 3_000,
            "stripe:connected:ann": 8_000,
            "stripe:connected:bob": 4_000,
            "seller:ann:available": -8_000,
            "seller:bob:available": -4_000,
            "revenue:commission": -3_000,
        }
        await market.payday()
        assert await market.balances() == {"stripe:platform": 3_000, "revenue:commission": -3_000}


async def test_what_stripe_takes_for_itself_is_booked_once_when_somebody_reconciles(database_url: str) -> None:
    async with open_market(database_url, config=TwinConfig(ticking=False, settlement_seconds=0, seed=1)) as market:
        await market.sellers("ann")
        await market.release("o1", ("ann", 10_000))
        for _ in range(2):
            await check_reconciled(market)
            assert (await market.balances())["expense:processor_fees"] == 320  # 2.9 % and 30 cents
            await check_laws(market)
