"""One Holdfast to test, embedded or distributed, seen from where everybody outside stands."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg
import httpx

from contracts.events.base import Message
from contracts.events.orders import Buyer, OrderDelivered, OrderLine, OrderPlaced
from libs.devstack.ports import free_port
from libs.devstack.stripe_twin.client import TwinClient
from libs.devstack.stripe_twin.config import Endpoint, TwinConfig
from libs.devstack.stripe_twin.server import running_twin
from libs.messaging.carrier import Carrier
from libs.messaging.envelope import wrap
from libs.messaging.rabbit import RabbitCarrier
from libs.messaging.topology import ORDERS
from libs.runtime.config import load_config
from services.embedded.root import embedded
from services.payment.gateway import NOTICE_TYPES as BUYERS_NOTICES
from services.payout_scheduler.gateway import NOTICE_TYPES as SELLERS_NOTICES
from tests.data_key import DATA_KEY
from tests.e2e.processes import ServiceProcess, holdfast

MONDAY: Final = datetime(2026, 9, 7, 6, tzinfo=UTC)
"""Where the twin's clock starts; everything of a scenario is over before the day it is run on."""
SERVICES: Final = ("payment", "escrow", "payout_scheduler", "settings", "audit")
SECRETS: Final = {
    "HOLDFAST_STRIPE_API_KEY": "sk_test_e2e",
    "HOLDFAST_STRIPE_WEBHOOK_SECRET": "whsec_e2e_platform",
    "HOLDFAST_STRIPE_CONNECT_WEBHOOK_SECRET": "whsec_e2e_connect",
    "HOLDFAST_DATA_KEY": DATA_KEY,
}
T = TypeVar("T")


@dataclass
class World:
    """Holdfast's outside: the shop's messages, HTTP, the command line, the twin, and the database to look into."""

    twin: TwinClient
    carrier: Carrier
    environment: Mapping[str, str]
    urls: Mapping[str, str]
    database: asyncpg.Pool
    processes: Mapping[str, ServiceProcess]
    http: httpx.AsyncClient
    _numbers: Any = field(default_factory=lambda: count(1))

    async def tell(self, *messages: Message, at: datetime = MONDAY) -> None:
        """The shop publishes, each message under a new id."""
        envelopes = [
            wrap(m, id=f"shop-{next(self._numbers)}", source="/shop", time=at, correlationid=m.subject)
            for m in messages
        ]
        await self.carrier.publish(envelopes, ORDERS)

    async def get(self, service: str, path: str, **params: str) -> Any:
        answer = await self.http.get(self.urls[service] + path, params=params)
        return answer.raise_for_status().json()

    async def job(self, name: str, as_of: datetime) -> dict[str, Any]:
        """Run a job as a CronJob does."""
        code, out, err = await holdfast(self.environment, "job", name, "--as-of", as_of.isoformat())
        assert code == 0, f"{out}\n{err}"
        summary: dict[str, Any] = json.loads(out.splitlines()[-1])
        return summary

    async def holdfast(self, *arguments: str) -> tuple[int, str, str]:
        return await holdfast(self.environment, *arguments)

    async def sellers(self, *names: str) -> None:
        """Register sellers and let them finish onboarding."""
        for name in names:
            url = self.urls["payout_scheduler"]
            (await self.http.post(f"{url}/sellers", json={"seller": name, "country": "US"})).raise_for_status()
        for name in names:
            account = await self.until(lambda name=name: self._account_of(name))  # type: ignore[misc]  # bound now
            await self.twin.complete_account(account)
        for name in names:
            await self.until(lambda name=name: self._ready(name))  # type: ignore[misc]  # bound now

    async def _account_of(self, seller: str) -> str | None:
        found: str | None = (await self.get("payout_scheduler", f"/sellers/{seller}"))["account_id"]
        return found

    async def _ready(self, seller: str) -> bool:
        found = await self.get("payout_scheduler", f"/sellers/{seller}")
        return bool(found["transfers_active"] and found["payouts_enabled"])

    async def payment(self, order_id: str) -> dict[str, Any] | None:
        items: list[dict[str, Any]] = (await self.get("payment", "/payments", order_id=order_id))["items"]
        return items[0] if items else None

    async def escrow(self, order_id: str) -> dict[str, Any] | None:
        items: list[dict[str, Any]] = (await self.get("escrow", "/escrows", order_id=order_id))["items"]
        return items[0] if items else None

    async def pay(self, order_id: str, card: str = "pm_card_visa") -> None:
        """The buyer pays as soon as there is something to pay."""

        async def intent() -> str | None:
            payment = await self.payment(order_id)
            return payment["intent_id"] if payment else None

        await self.twin.confirm(await self.until(intent), card)

    async def until(self, look: Callable[[], Awaitable[T | None]], *, within_seconds: float = 60.0) -> T:
        """What `look` returns once that is something; a service that is down for a moment is looked at again."""
        seen: object = None
        try:
            async with asyncio.timeout(within_seconds):
                while True:
                    try:
                        seen = await look()
                    except httpx.HTTPError as error:
                        seen = error
                    else:
                        if seen:
                            return seen
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"Waited {within_seconds} seconds; at last: {seen}") from None


def placed(order_id: str, *lines: tuple[str, int], currency: str = "USD") -> OrderPlaced:
    """An order with one line a seller, by a buyer of its own: one buyer's orders of a day are limited."""
    return OrderPlaced(
        order_id=order_id,
        buyer=Buyer(id=f"buyer-of-{order_id}", country="US"),
        currency=currency,
        rail="card",
        lines=tuple(OrderLine(seller=seller, category="toys", amount_minor=amount) for seller, amount in lines),
        placed_at=MONDAY,
    )


def delivered(order_id: str, at: datetime, seller: str | None = None) -> OrderDelivered:
    return OrderDelivered(
        order_id=order_id, confirmation="COURIER_CONFIRMED", confirmed_by="courier", delivered_at=at, seller=seller
    )


@asynccontextmanager
async def _twin_process(logs: Path) -> AsyncIterator[TwinClient]:
    """A twin that does everything at once and takes no fee."""
    port = free_port()
    delays = ("--settlement-seconds", "--payout-submit-seconds", "--payout-arrival-seconds")
    options = [word for name in (*delays, "--fee-basis-points", "--fee-fixed-minor") for word in (name, "0")]
    options += ["--requests-per-second", "0", "--requests-per-second-in-all", "0"]
    options += ["--start", str(int(MONDAY.timestamp())), "--no-ticking"]
    with (logs / "twin.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "libs.devstack.stripe_twin", "--port", str(port), *options),
            env={**os.environ, **SECRETS},
            stdout=log,
            stderr=log,
        )
    try:
        async with TwinClient(f"http://127.0.0.1:{port}") as twin:
            await _answers(twin)
            yield twin
    finally:
        process.kill()
        await process.wait()


async def _answers(twin: TwinClient) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await twin.now()
            except httpx.HTTPError:
                await asyncio.sleep(0.05)
            else:
                return


def _twin() -> TwinConfig:
    return TwinConfig(start=int(MONDAY.timestamp()), ticking=False)


async def _webhooks(twin: TwinClient, urls: Mapping[str, str]) -> None:
    await twin.set_webhooks(
        platform=Endpoint(
            f"{urls['payment']}/webhooks/stripe", SECRETS["HOLDFAST_STRIPE_WEBHOOK_SECRET"], tuple(BUYERS_NOTICES)
        ),
        connect=Endpoint(
            f"{urls['payout_scheduler']}/webhooks/stripe-connect",
            SECRETS["HOLDFAST_STRIPE_CONNECT_WEBHOOK_SECRET"],
            tuple(SELLERS_NOTICES),
        ),
    )


def _environment(database_url: str, twin: TwinClient, amqp_url: str | None = None) -> dict[str, str]:
    given = {
        "HOLDFAST_DATABASE_URL": database_url,
        "HOLDFAST_STRIPE_API_BASE": twin.url,
        "HOLDFAST_STRIPE_REQUESTS_PER_SECOND": "10000",  # the twin knows no limit
    }
    amqp = {"HOLDFAST_AMQP_URL": amqp_url} if amqp_url else {}
    return {"PATH": os.environ["PATH"], **SECRETS, **given, **amqp}


@asynccontextmanager
async def embedded_world(database_url: str) -> AsyncIterator[World]:
    """Everything in this process, no broker."""
    async with running_twin(_twin()) as twin, httpx.AsyncClient(timeout=30) as http:
        environment = _environment(database_url, twin)
        given = {name.removeprefix("HOLDFAST_").lower(): value for name, value in environment.items()}
        given.pop("path")
        config = load_config(**given, http_port=0)
        async with embedded(config) as holdfast, asyncpg.create_pool(database_url, min_size=0) as database:
            urls = dict.fromkeys(SERVICES, holdfast.url)
            await _webhooks(twin, urls)
            yield World(twin, holdfast.carrier, environment, urls, database, {}, http)


@asynccontextmanager
async def distributed_world(
    database_url: str, amqp_url: str, logs: Path, *, twin_apart: bool = False
) -> AsyncIterator[World]:
    """Each service its own process on RabbitMQ; the twin in this one, or `twin_apart` in one of its own."""
    async with AsyncExitStack() as stack:
        twin = await stack.enter_async_context(_twin_process(logs) if twin_apart else running_twin(_twin()))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=30))
        environment = _environment(database_url, twin, amqp_url)
        processes = {name: ServiceProcess(name, free_port(), environment, logs / f"{name}.log") for name in SERVICES}
        for process in processes.values():
            await process.start()
            stack.push_async_callback(process.kill)
        urls = {name: process.url for name, process in processes.items()}
        await _webhooks(twin, urls)
        await asyncio.gather(*(process.ready() for process in processes.values()))
        carrier = RabbitCarrier(amqp_url)
        stack.push_async_callback(carrier.stop)
        database = await stack.enter_async_context(asyncpg.create_pool(database_url, min_size=0))
        yield World(twin, carrier, environment, urls, database, processes, http)
