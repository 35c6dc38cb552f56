"""Orders from `order.placed` to `payout.paid`: services as processes on RabbitMQ, the twin in a process of its own.

The limit is what the outside calls of the same orders cost by themselves: the real SDK from one process against the
same twin (create an intent, let the buyer confirm it, read it again, transfer), with no Holdfast at all.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import stripe

from libs.devstack.postgres import running_postgres
from libs.devstack.rabbitmq import running_rabbitmq
from services.migrations import migrate_all
from tests.bench.harness import Result, Side
from tests.e2e.laws import assert_conserved, assert_proven
from tests.e2e.traffic import SELLERS, Traffic, assert_each_cent_moved_once
from tests.e2e.world import World, distributed_world

ORDERS = 1_000
CALLS_AT_ONCE = 8


async def _limit(world: World) -> float:
    """Orders a second of the outside calls alone."""
    http = stripe.AIOHTTPClient()
    key = world.environment["HOLDFAST_STRIPE_API_KEY"]
    client = stripe.StripeClient(key, base_addresses={"api": world.twin.url}, http_client=http)
    account = (await world.get("payout_scheduler", f"/sellers/{SELLERS[0]}"))["account_id"]
    gate = asyncio.Semaphore(CALLS_AT_ONCE)

    async def order(name: str) -> None:
        async with gate:
            intent = await client.v1.payment_intents.create_async(
                {"amount": 2_000, "currency": "usd", "transfer_group": name}, {"idempotency_key": f"pi:{name}"}
            )
            await world.twin.confirm(intent.id, "pm_card_visa")
            paid = await client.v1.payment_intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})
            assert isinstance(paid.latest_charge, stripe.Charge)
            await client.v1.transfers.create_async(
                {
                    "amount": 1_600,
                    "currency": "usd",
                    "destination": account,
                    "source_transaction": paid.latest_charge.id,
                },
                {"idempotency_key": f"tr:{name}"},
            )

    async def calls(names: Sequence[str]) -> int:
        await asyncio.gather(*map(order, names))
        return len(names)

    try:
        return await Side(lambda: [f"bare-{n}" for n in range(ORDERS)], calls).rate()
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]  # the SDK's


async def _lifecycle(traffic: Traffic) -> int:
    await traffic.flow()
    await traffic.release()
    await traffic.pay_out()
    return traffic.orders


async def run() -> list[Result]:
    with tempfile.TemporaryDirectory() as logs:
        async with running_postgres() as postgres, running_rabbitmq() as rabbitmq:
            url = await postgres.create_database("holdfast")
            await migrate_all(url)
            async with distributed_world(url, rabbitmq.url, Path(logs), twin_apart=True) as world:
                await world.sellers(*SELLERS)
                traffic = Traffic(world, ORDERS, sellers_each=1)
                rate = await Side(lambda: traffic, _lifecycle).rate()
                await assert_each_cent_moved_once(world, traffic)
                await assert_conserved(world)
                await assert_proven(world)
                limit = await _limit(world)
    return [Result("lifecycle", rate, "orders/s", limit, rate / limit, {"orders": ORDERS})]
