"""The whole service as it is put together, at work on the carrier inside one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from contracts.events.orders import OrderPlaced
from libs.devstack.stripe_twin import Twin
from libs.devstack.stripe_twin.config import Endpoint
from libs.eventstore.ledger import open_ledger
from libs.eventstore.pool import open_pool
from libs.ledger.money import CURRENCIES
from libs.messaging.envelope import Envelope, from_json, wrap
from libs.messaging.local import LocalCarrier
from libs.runtime.config import Misconfigured, load_config
from libs.runtime.lifecycle import running
from libs.runtime.service import Service
from libs.runtime.telemetry import Telemetry
from libs.settings.live import LiveSettings
from services.payment.service import build
from tests.data_key import DATA_KEY
from tests.integration.payment.desk import NOON, ORDER, SECRET, now

PATIENCE_SECONDS = 20.0
CONFIG = {"stripe_api_key": "sk_test_payment", "stripe_webhook_secret": SECRET, "data_key": DATA_KEY}


@dataclass
class Shop:
    """Speaks to the service by messages alone, and listens to what it says."""

    carrier: LocalCarrier
    service: Service
    pool: Any

    async def publish(self, *orders: OrderPlaced) -> None:
        await self.carrier.publish([_envelope(order) for order in orders], "orders")

    async def heard(self) -> Sequence[Envelope]:
        """What lies in the audit's queue, which nobody empties here."""
        rows = await self.pool.fetch("select body from messaging.messages where queue = 'audit.all' order by id")
        return [from_json(row["body"]) for row in rows]

    async def hears(self, number: int, kind: str) -> list[Envelope]:
        """Wait until so many messages of a type are there, and give them."""
        found: list[Envelope] = []

        async def enough() -> bool:
            found[:] = [envelope for envelope in await self.heard() if envelope.type == kind]
            return len(found) >= number

        await _eventually(enough)
        return found

    async def stored(self, number: int, kind: str) -> None:
        """Wait until so many events of a type are in the log, and no more of them."""

        async def enough() -> bool:
            count = await self.pool.fetchval("select count(*) from ledger.events where type = $1", kind)
            assert count <= number
            return bool(count == number)

        await _eventually(enough)


async def _eventually(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - the events happen behind a database
            await asyncio.sleep(0.02)


def _envelope(order: OrderPlaced) -> Envelope:
    return wrap(order, id=f"placed {order.order_id}", source="/shop", time=NOON, correlationid=f"c {order.order_id}")


@pytest.fixture
async def shop(database_url: str, twin: Twin) -> AsyncIterator[Shop]:
    config = load_config(**CONFIG, stripe_api_base=twin.url)
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(open_ledger(database_url, "payment"))
        pool = await stack.enter_async_context(open_pool(database_url, "payment"))
        settings = await LiveSettings.open(ledger)
        service = await stack.enter_async_context(build(ledger, config, settings, now))
        carrier = LocalCarrier(pool, 1)
        telemetry = Telemetry(CollectorRegistry())
        run = await stack.enter_async_context(running([service], carrier, telemetry, host="127.0.0.1", port=0))
        await twin.set_webhooks(platform=Endpoint(f"{run.url}/webhooks/stripe", SECRET))
        yield Shop(carrier, service, pool)


async def test_orders_become_captured_payments_by_messages_and_webhooks_alone(shop: Shop, twin: Twin) -> None:
    orders = [ORDER.model_copy(update={"order_id": f"O-{number}"}) for number in range(20)]
    await shop.publish(*orders, *orders)
    requested = await shop.hears(20, "payment.requested.v1")
    await shop.stored(20, "IntentCreated")
    for intent in list(twin.world.payment_intents):
        await twin.confirm(intent.id)
    captured = await shop.hears(20, "payment.captured.v1")
    assert {envelope.subject for envelope in captured} == {order.order_id for order in orders}
    assert len(requested) == len(captured) == 20, "a message that came twice was one"
    for envelope in (*requested, *captured):
        assert envelope.source == "/holdfast/payment"
        assert envelope.correlationid == f"c {envelope.subject}", "it went to Stripe and came back"
    assert await shop.service.ledger.store.balance("stripe:platform", "EUR") == 20 * 4_000
    assert (await twin.summary())["currencies"]["eur"]["captured"] == 20 * 4_000


async def test_a_message_under_a_known_id_with_other_content_is_dead_and_harms_nobody(shop: Shop) -> None:
    await shop.publish(ORDER)
    await shop.hears(1, "payment.requested.v1")
    await shop.publish(ORDER.model_copy(update={"lines": ORDER.lines * 2}))
    await _eventually(shop.carrier.dead.letters)
    assert [letter.code for letter in await shop.carrier.dead.letters()] == ["key_reused"]
    assert [envelope.type for envelope in await shop.heard()] == ["payment.requested.v1"]


async def test_a_refused_order_is_told_with_its_reason(shop: Shop) -> None:
    assert "XXX" not in CURRENCIES
    await shop.publish(ORDER.model_copy(update={"currency": "XXX"}))
    [rejected] = await shop.hears(1, "payment.rejected.v1")
    assert rejected.data["code"] == "unknown_currency"


async def test_the_job_settles_what_is_unknown_while_the_service_works(shop: Shop, twin: Twin) -> None:
    await twin.fault("payment_intents.create", "error_500_after_effect", count=5)
    orders = [ORDER.model_copy(update={"order_id": f"O-{number}"}) for number in range(5)]
    await shop.publish(*orders)
    await shop.stored(5, "IntentOutcomeUnknown")
    [job] = [job for job in shop.service.jobs if job.name == "resolve-unknown"]
    lines: list[str] = []
    summary = await job.run(now() + timedelta(minutes=5), lines.append)
    assert summary == {"done": 5, "left": 0}
    assert len(lines) == 5
    await shop.stored(5, "IntentCreated")
    assert len(twin.world.payment_intents) == 5
    assert await job.run(now() + timedelta(minutes=5), lines.append) == {"done": 0, "left": 0}


async def test_the_sweep_finds_what_no_webhook_told_and_the_next_one_nothing(shop: Shop, twin: Twin) -> None:
    orders = [ORDER.model_copy(update={"order_id": f"O-{number}"}) for number in range(5)]
    await shop.publish(*orders)
    await shop.stored(5, "IntentCreated")
    await twin.set_webhooks(platform=Endpoint("http://127.0.0.1:9/nowhere", SECRET, ("nothing",)))
    for intent in list(twin.world.payment_intents):
        await twin.confirm(intent.id)
    [job] = [job for job in shop.service.jobs if job.name == "sweep-events"]
    lines: list[str] = []
    soon = now() + timedelta(seconds=5)
    assert await job.run(soon, lines.append) == {"done": 5, "seen": 5, "left": 0}
    await shop.hears(5, "payment.captured.v1")
    assert await job.run(soon, lines.append) == {"done": 0, "seen": 5, "left": 0}
    assert len(lines) == 5
    await twin.fault("events.list", "error_500", count=5)
    assert await job.run(soon, lines.append) == {"done": 0, "seen": 0, "left": 1}


async def test_without_stripes_key_the_service_says_what_to_set(database_url: str) -> None:
    async with open_ledger(database_url, "payment") as ledger:
        settings = await LiveSettings.open(ledger)
        with pytest.raises(Misconfigured, match="HOLDFAST_STRIPE_API_KEY"):
            async with build(ledger, load_config(data_key=DATA_KEY), settings, now):
                pass
