"""A burst of Stripe's notices, a fifth of them twice, shuffled: how soon each is answered, and that it ends right.

They come as the twin sends them, eight at a time, while the service works on what they tell.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

import aiohttp
import stripe

from libs.devstack.stripe_twin.config import Webhooks
from libs.devstack.stripe_twin.wire import to_json
from tests.bench.harness import Result, percentile
from tests.bench.shop import AMOUNT_MINOR, SECRET, Shop, open_shop

PAYMENTS = 1_000
TWICE = 200


async def _deliver(shop: Shop, bodies: Sequence[bytes]) -> list[float]:
    """The seconds that each answer took."""
    gate = asyncio.Semaphore(Webhooks().concurrency)

    async def one(http: aiohttp.ClientSession, body: bytes) -> float:
        signature = stripe.WebhookSignature.generate_signature_header(body.decode(), SECRET)
        async with gate:
            started = time.perf_counter()
            headers = {"stripe-signature": signature}
            async with http.post(f"{shop.url}/webhooks/stripe", data=body, headers=headers) as answer:
                assert (await answer.json()) == {"kept": True}
            return time.perf_counter() - started

    async with aiohttp.ClientSession() as http:
        return await asyncio.gather(*(one(http, body) for body in bodies))


async def run() -> list[Result]:
    async with open_shop() as shop:
        await shop.told(by_webhooks=False)
        started = await shop.place(PAYMENTS)
        await shop.seconds_until("IntentCreated", started, PAYMENTS)
        for intent in list(shop.twin.world.payment_intents):
            await shop.twin.confirm(intent.id)
        told = [to_json(e.render()) for e in shop.twin.world.events if e.type == "payment_intent.succeeded"]
        bodies = told + told[:TWICE]
        random.Random(7).shuffle(bodies)  # noqa: S311 - an order, no secret
        began = time.perf_counter()
        seconds = await _deliver(shop, bodies)
        elapsed_seconds = time.perf_counter() - began
        await shop.seconds_until("PaymentCaptured", started, PAYMENTS)
        assert await shop.count("WebhookReceived") == PAYMENTS
        balance = await shop.pool.fetchval("select amount from ledger.balances where account = 'stripe:platform'")
        assert balance == PAYMENTS * AMOUNT_MINOR
    more = {
        "p50_ms": round(percentile(seconds, 0.5) * 1_000, 1),
        "notices_per_second": round(len(bodies) / elapsed_seconds),
        "notices": len(bodies),
    }
    return [Result("webhooks", percentile(seconds, 0.99) * 1_000, "ms p99", more=more)]
