"""The day, played: messages, buyers, parcels, jobs, on the embedded root with the twin's clock moved day by day."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from contracts.events.base import Message
from contracts.events.orders import OrderCancelled, OrderDelivered
from libs.devstack.stripe_twin.config import TwinConfig
from libs.ledger.errors import Rejected
from libs.messaging.envelope import wrap
from libs.messaging.topology import ORDERS
from services.demo.plan import GOOD_BANK, Order, Plan, Seller, make_plan
from services.demo.report import conclude
from services.embedded.devstack import Devstack, devstack
from services.embedded.quiet import quiet

_AT_ONCE: Final = 16


@dataclass
class Stage:
    """The running whole, and the hands of everybody who acts on it from outside."""

    stack: Devstack
    http: httpx.AsyncClient
    plan: Plan
    told: Counter[str] = field(default_factory=Counter)

    async def tell(self, messages: Sequence[tuple[Message, datetime]]) -> None:
        """The shop publishes."""
        envelopes = []
        for message, moment in messages:
            self.told[message.type] += 1
            number = f"shop-{sum(self.told.values())}"
            envelopes.append(wrap(message, id=number, source="/shop", time=moment, correlationid=message.subject))
        await self.stack.holdfast.carrier.publish(envelopes, ORDERS)

    async def settle(self) -> None:
        """Wait until nothing moves any more."""
        ledger = self.stack.holdfast.services[0].ledger
        await quiet(ledger.pool, ledger.store.book, self.stack.twin.webhooks_idle)

    async def job(self, name: str, as_of: datetime) -> None:
        await self.stack.holdfast.job(name, as_of, lambda _: None)
        await self.settle()

    async def pages(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """All items of a list, page by page."""
        after: dict[str, Any] = {}
        while True:
            page = (await self.http.get(path, params={"limit": 200, **after})).raise_for_status().json()
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            after = {"after": page["next"]}


async def play(console: Console) -> None:
    """The whole day with progress, then the balances, the proof, and one line of JSON."""
    started = time.monotonic()
    plan = make_plan(datetime.now(UTC))
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    async with AsyncExitStack() as stack:
        with Progress(*columns, console=console) as progress:
            starting = progress.add_task("Starting", total=4)

            def say(what: str) -> None:
                progress.update(starting, description=what, advance=1)

            twin = TwinConfig(start=int(plan.start.timestamp()), ticking=False)
            stage = await stack.enter_async_context(_stage(devstack(say, twin=twin), plan))
            await _expect_empty_book(stage)
            progress.update(starting, description="Everything is up", completed=4)
            await _open_shop(stage, progress)
            await _order_and_pay(stage, progress)
            await _weeks(stage, progress)
        await conclude(console, stage.stack, stage.plan, stage.told, started)


@asynccontextmanager
async def _stage(stack: Any, plan: Plan) -> AsyncIterator[Stage]:
    async with stack as up, httpx.AsyncClient(base_url=up.holdfast.url, timeout=60) as http:
        yield Stage(up, http, plan)


async def _expect_empty_book(stage: Stage) -> None:
    """The day's orders and sellers have fixed names, and this twin knows nothing of an earlier day's."""
    if events := await stage.stack.holdfast.services[0].ledger.feed.head():
        raise Rejected(
            f"The database holds {events} events; point HOLDFAST_DATABASE_URL at an empty database, or unset it.",
            code="book_not_empty",
        )


async def _open_shop(stage: Stage, progress: Progress) -> None:
    task = progress.add_task("Sellers register and onboard at Stripe", total=len(stage.plan.sellers))
    for seller in stage.plan.sellers:
        answer = await stage.http.post("/sellers", json={"seller": seller.id, "country": "US"})
        answer.raise_for_status()
    await stage.settle()
    for seller in stage.plan.sellers:
        if seller.onboards_day == 0:
            await _onboard(stage, seller.id, seller.bank)
        progress.advance(task)
    await stage.settle()


async def _onboard(stage: Stage, seller: str, bank: str) -> None:
    found = (await stage.http.get(f"/sellers/{seller}")).raise_for_status().json()
    await stage.stack.twin.complete_account(found["account_id"], bank)


async def _order_and_pay(stage: Stage, progress: Progress) -> None:
    plan = stage.plan
    task = progress.add_task("Orders are placed", total=len(plan.orders))
    await stage.stack.twin.advance(3_600)
    for start in range(0, len(plan.orders), 50):
        batch = plan.orders[start : start + 50]
        await stage.tell([(order.placed, order.placed.placed_at) for order in batch])
        progress.advance(task, len(batch))
    # Messages come twice in real life, and now and then one comes changed.
    await stage.tell([(order.placed, order.placed.placed_at) for order in plan.repeated])
    await stage.tell([(plan.changed, plan.changed.placed_at)])
    await stage.settle()
    await _cancel(stage, [order for order in plan.orders if order.fate == "cancelled_unpaid"], "changed their mind")
    await stage.settle()

    paying = {order.placed.order_id: order for order in plan.orders if order.card}
    task = progress.add_task("Buyers pay by card", total=len(paying))
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def pay(intent_id: str, card: str) -> None:
        async with at_once:
            await stage.stack.twin.confirm(intent_id, card)
            progress.advance(task)

    intents = {p["order_id"]: p["intent_id"] async for p in stage.pages("/payments") if p["order_id"] in paying}
    await asyncio.gather(*(pay(intents[name], order.card or "") for name, order in paying.items()))
    await stage.settle()
    await _cancel(stage, [order for order in plan.orders if order.fate == "cancelled_paid"], "out of stock")
    await stage.settle()


async def _cancel(stage: Stage, orders: Sequence[Order], reason: str) -> None:
    await stage.tell(
        [
            (OrderCancelled(order_id=o.placed.order_id, cancelled_by="shop", reason=reason), o.placed.placed_at)
            for o in orders
        ]
    )


async def _weeks(stage: Stage, progress: Progress) -> None:
    """Parcels arrive; the jobs run each morning as of that morning."""
    plan = stage.plan
    task = progress.add_task("Days pass: deliveries, releases, payouts", total=plan.days)
    for number in range(1, plan.days + 1):
        today = plan.day(number)
        await stage.stack.twin.set_clock(int(today.timestamp()))
        arriving = [order for order in plan.orders if order.delivered_day == number]
        if arriving:
            await stage.tell([(_delivered(order, today), today) for order in arriving])
        for seller in plan.sellers:
            await _news_of(seller, number, stage)
        await stage.settle()
        await stage.job("release-due", today)
        await stage.job("payouts-due", today)
        progress.update(task, advance=1, description=f"{today:%A %d %B}: deliveries, releases, payouts")


async def _news_of(seller: Seller, number: int, stage: Stage) -> None:
    if number == seller.onboards_day:
        await _onboard(stage, seller.id, seller.bank)
    first_bounce = 15  # the Tuesday after the Monday of the first payouts
    if seller.bank != GOOD_BANK and number == first_bounce:
        await _onboard(stage, seller.id, GOOD_BANK)


def _delivered(order: Order, moment: datetime) -> OrderDelivered:
    return OrderDelivered(
        order_id=order.placed.order_id,
        confirmation="COURIER_CONFIRMED",
        confirmed_by="courier",
        delivered_at=moment - timedelta(hours=1),
        proof=f"parcel-{order.placed.order_id}",
    )
