"""The market itself: the ordinary way of an order, from which every scenario departs."""

from __future__ import annotations

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
