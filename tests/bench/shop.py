"""The payment service at work in this process, before a real database and a twin of Stripe, with its loops turning."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry

from contracts.events.orders import Buyer, OrderLine, OrderPlaced
from libs.devstack.postgres import running_postgres
from libs.devstack.stripe_twin import NO_FEE, Twin, TwinConfig, running_twin
from libs.devstack.stripe_twin.config import Endpoint
from libs.eventstore.ledger import open_ledger
from libs.messaging.envelope import wrap
from libs.messaging.local import LocalCarrier
from libs.runtime.lifecycle import running
from libs.runtime.telemetry import Telemetry
from libs.settings.live import LiveSettings
from services.migrations import migrate_all
from services.payment.gateway import NOTICE_TYPES
from services.payment.service import build
from tests import data_key

SECRET = "whsec_bench"  # noqa: S105 - a twin's
AMOUNT_MINOR = 2_000
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Shop:
    twin: Twin
    carrier: LocalCarrier
    pool: Any
    url: str

    async def place(self, count: int) -> datetime:
        """So many orders at once, each of a buyer of its own; when that was."""
        moment = datetime.now(UTC)
        orders = [_order(number, moment) for number in range(count)]
        envelopes = [wrap(order, id=f"m {order.order_id}", source="/shop", time=moment) for order in orders]
        started = datetime.now(UTC)
        await self.carrier.publish(envelopes, "orders")
        return started

    async def seconds_until(self, kind: str, started: datetime, count: int) -> list[float]:
        """How long after `started` each event of a type was stored, once there are so many of them."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.count(kind) < count:  # noqa: ASYNC110 - the events happen behind a database
                await asyncio.sleep(0.1)
        rows = await self.pool.fetch("select recorded_at from ledger.events where type = $1", kind)
        return [(row["recorded_at"] - started).total_seconds() for row in rows]

    async def count(self, kind: str) -> int:
        found: int = await self.pool.fetchval("select count(*) from ledger.events where type = $1", kind)
        return found

    async def told(self, *, by_webhooks: bool) -> None:
        """Whether the twin tells the service by itself what happens."""
        events = tuple(NOTICE_TYPES) if by_webhooks else ("nothing",)
        await self.twin.set_webhooks(platform=Endpoint(f"{self.url}/webhooks/stripe", SECRET, events))


def _order(number: int, moment: datetime) -> OrderPlaced:
    return OrderPlaced(
        order_id=f"B-{number}",
        buyer=Buyer(id=f"buyer-{number}", country="DE"),
        currency="EUR",
        rail="card",
        lines=(OrderLine(seller="anna", category="books", amount_minor=AMOUNT_MINOR),),
        placed_at=moment,
    )


@asynccontextmanager
async def open_shop() -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(running_postgres())
        url = await postgres.create_database("payments")
        await migrate_all(url)
        twin = await stack.enter_async_context(running_twin(TwinConfig(card_fee=NO_FEE)))
        config = data_key.config(
            stripe_api_key="sk_test_bench",
            stripe_webhook_secret=SECRET,
            stripe_api_base=twin.url,
            stripe_requests_per_second=10_000,  # the twin knows no limit; Stripe's would be what is measured
        )
        ledger = await stack.enter_async_context(open_ledger(url, "payment"))
        service = await stack.enter_async_context(
            build(ledger, config, await LiveSettings.open(ledger), lambda: datetime.now(UTC))
        )
        carrier = LocalCarrier(ledger.pool, 1)
        telemetry = Telemetry(CollectorRegistry())
        at_work = await stack.enter_async_context(running([service], carrier, telemetry, host="127.0.0.1", port=0))
        yield Shop(twin, carrier, ledger.pool, at_work.url)
