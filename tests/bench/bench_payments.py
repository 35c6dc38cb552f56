"""A thousand orders at once: none is lost, and how long the last of them wait until the buyer is asked and can pay.

One process does it all: the carrier, the service, the twin of Stripe.
"""

from __future__ import annotations

from tests.bench.harness import Result, percentile
from tests.bench.shop import open_shop

ORDERS = 1_000


async def run() -> list[Result]:
    async with open_shop() as shop:
        started = await shop.place(ORDERS)
        requested = await shop.seconds_until("PaymentRequested", started, ORDERS)
        payable = await shop.seconds_until("IntentCreated", started, ORDERS)
        assert len(requested) == len(payable) == len(shop.twin.world.payment_intents) == ORDERS
        assert await shop.count("AllowanceTaken") == ORDERS
        streams = await shop.pool.fetchval(
            "select count(distinct stream) from ledger.events where type = 'IntentCreated'"
        )
        assert streams == ORDERS, "one intent each"
    return [
        Result(
            f"payments_{name}",
            percentile(seconds, 0.99) * 1_000,
            "ms p99",
            more={"p50_ms": round(percentile(seconds, 0.5) * 1_000, 1), "orders_at_once": ORDERS},
        )
        for name, seconds in (("requested", requested), ("payable", payable))
    ]
