"""All services on the card rail, turned by hand before a real database and a twin of Stripe, with one clock for all.

Nothing runs by itself: `settle` turns projections, relays, queues, workers and webhooks until nothing moves any more.
So a scenario takes milliseconds, and what happens between two turns can be chosen: deaths, lost and doubled news.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from types import MethodType
from typing import Any, Final, cast

import asyncpg
import httpx
import stripe
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from contracts.events.base import Message
from contracts.events.orders import Buyer, OrderCancelled, OrderDelivered, OrderDisputed, OrderLine, OrderPlaced
from libs.devstack.stripe_twin.config import NO_FEE, TwinConfig
from libs.devstack.stripe_twin.objects.event import Event
from libs.devstack.stripe_twin.server import Twin, running_twin
from libs.devstack.stripe_twin.wire import to_json
from libs.eventstore.worklist import Worker
from libs.messaging.envelope import wrap
from libs.messaging.relay import Relay
from libs.messaging.topology import ORDERS
from libs.runtime.config import load_config
from libs.runtime.http import create_app
from libs.runtime.service import Service
from libs.runtime.telemetry import Telemetry
from libs.settings.live import LiveSettings
from services.embedded.assembly import opened, run_job
from services.payment.gateway import NOTICE_TYPES as BUYERS_NOTICES
from services.payout_scheduler.gateway import NOTICE_TYPES as SELLERS_NOTICES
from tests.data_key import DATA_KEY
from tests.integration.cards.bus import Bus

SERVICES: Final = ("payment", "escrow", "payout_scheduler", "settings")
WITH_WORK: Final = ("payment", "payout_scheduler")
PLATFORM_SECRET: Final = "whsec_market_platform"  # noqa: S105 - a twin's
CONNECT_SECRET: Final = "whsec_market_connect"  # noqa: S105 - a twin's
DAY: Final = 86_400
TIMEOUT_SECONDS: Final = 1.0  # the twin's answer takes milliseconds, or never comes
_TURNS_MAX: Final = 60


@dataclass(slots=True)
class Clock:
    """The wall's time, put forward. The database keeps the wall's own time, so nothing lies in its future."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Market:
    """Holdfast's outside in one hand: the shop, buyers, sellers, banks, people at the service desk, and the clock."""

    services: Mapping[str, Service]
    twin: Twin
    bus: Bus
    http: httpx.AsyncClient
    app: FastAPI
    database: asyncpg.Pool
    clock: Clock
    undelivered: list[Event] = field(default_factory=list)
    webhooks_lost: bool = False
    paused: bool = False
    """Nothing settles by itself: whoever paused it turns."""
    shuffle: random.Random | None = None
    _numbers: Any = field(default_factory=lambda: count(1))

    @property
    def now(self) -> datetime:
        return self.clock.now()

    # -- time and motion

    async def settle(self) -> None:
        """Turn everything until nothing moves. What failed and waits for its next try is left waiting."""
        if self.paused:
            return
        for _ in range(_TURNS_MAX):
            if not await self.turn():
                return
        raise AssertionError(f"Still moving after {_TURNS_MAX} turns; last told: {self.bus.told[-3:]}")

    async def turn(self) -> int:
        """Let everything move once; how much did."""
        moved = 0
        for service in self.services.values():
            for projector in service.projections:
                await projector.catch_up()
            if service.announcer is not None:
                await Relay(service.ledger, service.announcer, self.bus, gather_seconds=0).catch_up()
        moved += await self.bus.deliver()
        for name in WITH_WORK:
            moved += await self._worker(name).drain(self.now)
        return moved + await self._tell_webhooks()

    def _worker(self, name: str) -> Worker:
        return cast("Worker", _behind(self.services[name], "worker"))

    async def later(self, **ahead: float) -> None:
        """Let time pass (as `timedelta` counts it), retries and leases with it, and settle."""
        step = timedelta(**ahead)
        self.clock.ahead += step
        await self.twin.advance(int(step.total_seconds()))
        for name in WITH_WORK:
            await self.database.execute(f"update {name}.work set next_attempt_at = '-infinity', leased_until = null")
        await self.settle()

    async def job(self, name: str) -> list[Mapping[str, Any]]:
        """Run a job now, in every service that has a part in it."""
        found = await run_job(list(self.services.values()), name, self.now, lambda _line: None)
        await self.settle()
        return found

    def hear(self, event: Event) -> None:
        """The twin tells of an event; it is delivered in the next turn."""
        self.undelivered.append(event)

    async def _tell_webhooks(self) -> int:
        events, self.undelivered = self.undelivered, []
        if self.shuffle:
            events += [event for event in events if self.shuffle.random() < 0.2]
            self.shuffle.shuffle(events)
        told = 0
        for event in events:
            types = SELLERS_NOTICES if event.account else BUYERS_NOTICES
            if event.type in types and not self.webhooks_lost:
                await self.tell_webhook(event)
                told += 1
        return told

    async def tell_webhook(self, event: Event) -> httpx.Response:
        """Deliver an event of the twin, signed as Stripe signs."""
        body = to_json(event.render()).decode()
        path, secret = (
            ("/webhooks/stripe-connect", CONNECT_SECRET) if event.account else ("/webhooks/stripe", PLATFORM_SECRET)
        )
        signature = stripe.WebhookSignature.generate_signature_header(body, secret)
        answer = await self.http.post(path, content=body, headers={"stripe-signature": signature})
        return answer.raise_for_status()

    # -- the shop

    async def tell(self, message: Message) -> None:
        """The shop publishes; nothing has reacted yet."""
        number = next(self._numbers)
        envelope = wrap(message, id=f"shop-{number}", source="/shop", time=self.now, correlationid=message.subject)
        await self.bus.publish([envelope], ORDERS)

    async def place(
        self, order_id: str, *lines: tuple[str, int], currency: str = "USD", buyer: str | None = None
    ) -> None:
        """An order with one line a seller, by a buyer of its own unless one is named."""
        await self.tell(
            OrderPlaced(
                order_id=order_id,
                buyer=Buyer(id=buyer or f"buyer-of-{order_id}", country="US"),
                currency=currency,
                rail="card",
                lines=tuple(OrderLine(seller=seller, category="toys", amount_minor=minor) for seller, minor in lines),
                placed_at=self.now,
            )
        )
        await self.settle()

    async def deliver(self, order_id: str, seller: str | None = None) -> None:
        await self.tell(
            OrderDelivered(
                order_id=order_id,
                confirmation="COURIER_CONFIRMED",
                confirmed_by="courier",
                delivered_at=self.now,
                seller=seller,
            )
        )
        await self.settle()

    async def cancel(self, order_id: str) -> None:
        await self.tell(OrderCancelled(order_id=order_id, cancelled_by="shop", reason="out of stock"))
        await self.settle()

    async def dispute(self, order_id: str, seller: str | None = None) -> None:
        await self.tell(OrderDisputed(order_id=order_id, opened_by="buyer", reason="broken", seller=seller))
        await self.settle()

    # -- buyers

    async def intent(self, order_id: str) -> str:
        found: str = (await self.payment(order_id))["intent_id"]
        return found

    async def pay(self, order_id: str, card: str = "pm_card_visa") -> Mapping[str, Any]:
        """The buyer tries to pay; the intent as the twin shows it."""
        intent = await self.twin.confirm(await self.intent(order_id), card)
        await self.settle()
        return intent

    async def buy(self, order_id: str, *lines: tuple[str, int], card: str = "pm_card_visa", **order: Any) -> None:
        """Place and pay."""
        await self.place(order_id, *lines, **order)
        await self.pay(order_id, card)

    async def release(self, order_id: str, *lines: tuple[str, int], **order: Any) -> None:
        """Place, pay, deliver, and let the inspection time pass."""
        await self.buy(order_id, *lines, **order)
        await self.deliver(order_id)
        await self.later(days=8)
        await self.job("release-due")

    # -- people

    async def change(self, key: str, value: Any) -> None:
        """A setting, which every service knows of from now on."""
        answer = await self.http.put(f"/settings/{key}", json={"value": value, "actor": "ops", "reason": "as agreed"})
        answer.raise_for_status()
        for service in self.services.values():
            if any(loop.name == "settings" for loop in service.loops):
                await cast("LiveSettings", _behind(service, "settings")).refresh()

    # -- sellers

    async def sellers(self, *names: str, country: str = "US", bank: str | None = None) -> None:
        """Register sellers who finish their onboarding, with this bank account if one is named."""
        for name in names:
            await self.register(name, country)
            await self.twin.complete_account(await self.account(name), bank)
            await self.settle()

    async def register(self, name: str, country: str = "US") -> None:
        answer = await self.http.post("/sellers", json={"seller": name, "country": country})
        answer.raise_for_status()
        await self.settle()

    async def account(self, seller: str) -> str:
        found: str = (await self.get(f"/sellers/{seller}"))["account_id"]
        return found

    async def payday(self) -> None:
        """The next Monday, the job that pays sellers, and the days that banks take."""
        await self.later(days=7 - self.now.weekday())
        await self.job("payouts-due")
        await self.later(days=3)

    # -- what everybody can see

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.http.get(path, params=params)
        return answer.raise_for_status().json()

    async def post(self, path: str, body: Mapping[str, Any], key: str | None = None) -> httpx.Response:
        """A write with an idempotency key, a new one unless given, and what followed of it."""
        headers = {"Idempotency-Key": key or f"key-{next(self._numbers)}"}
        answer = await self.http.post(path, json=body, headers=headers)
        await self.settle()
        return answer

    async def payment(self, order_id: str) -> dict[str, Any]:
        [found] = (await self.get("/payments", order_id=order_id))["items"]
        shown: dict[str, Any] = await self.get(f"/payments/{found['payment_id']}")
        return shown

    async def escrow(self, order_id: str) -> dict[str, Any]:
        [found] = (await self.get("/escrows", order_id=order_id))["items"]
        shown: dict[str, Any] = await self.get(f"/escrows/{found['escrow_id']}")
        return shown

    async def story(self, order_id: str) -> list[str]:
        """The types of all events about an order, in the order of the log."""
        rows = await self.database.fetch(
            "select type from ledger.events where data ->> 'order_id' = $1 or data -> 'release' ->> 'order_id' = $1 "
            "order by position",
            order_id,
        )
        return [row["type"] for row in rows]

    async def balances(self, currency: str = "USD") -> dict[str, int]:
        """Every account's balance that is not zero, debits positive."""
        rows = await self.database.fetch("select account, amount from ledger.balances where currency = $1", currency)
        return {row["account"]: int(row["amount"]) for row in rows if row["amount"]}


def _behind(service: Service, loop_name: str) -> object:
    """What a loop of a service runs a method of."""
    [loop] = [loop for loop in service.loops if loop.name == loop_name]
    return cast("MethodType", loop.run).__self__


@asynccontextmanager
async def open_market(
    database_url: str, *, config: TwinConfig | None = None, shuffle: random.Random | None = None
) -> AsyncIterator[Market]:
    """A market of its own: all services over a migrated database, and a new twin that takes no fee unless told."""
    config = config or TwinConfig(ticking=False, card_fee=NO_FEE, settlement_seconds=0, seed=1)
    async with (
        running_twin(config) as twin,
        open_market_at(database_url, twin, api_base=twin.url, timeout_seconds=TIMEOUT_SECONDS) as market,
    ):
        market.shuffle = market.bus.shuffle = shuffle
        twin.world.announce = market.hear
        yield market


@asynccontextmanager
async def open_market_at(
    database_url: str, twin: Twin, *, api_base: str, api_key: str = "sk_test_market", timeout_seconds: float = 20.0
) -> AsyncIterator[Market]:
    """A market whose services call Stripe there, and whose buyers are played by `twin`."""
    given = load_config(
        database_url=database_url,
        stripe_api_base=api_base,
        stripe_api_key=api_key,
        stripe_webhook_secret=PLATFORM_SECRET,
        stripe_connect_webhook_secret=CONNECT_SECRET,
        data_key=DATA_KEY,
        stripe_timeout_seconds=timeout_seconds,
        stripe_requests_per_second=10_000,  # the twin knows no limit, and at Stripe itself a row calls now and then
    )
    clock, bus = Clock(), Bus()
    async with (
        asyncpg.create_pool(database_url, min_size=0, max_size=2) as database,
        opened(SERVICES, given, clock.now) as services,
    ):
        routers = [service.router for service in services if service.router is not None]
        app = create_app("market", routers, Telemetry(CollectorRegistry()), lambda: "market")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://market") as http:
            by_name = {service.name: service for service in services}
            bus.connect(route for service in services for route in service.routes)
            yield Market(by_name, twin, bus, http, app, database, clock)
