"""Limits of one buyer hold however many orders come at once, and what came to nothing leaves room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import uuid4

import pytest

from contracts.events.orders import OrderPlaced
from libs.eventstore.codec import Codec
from libs.eventstore.execute import Executor, Step
from libs.eventstore.ledger import open_ledger
from libs.eventstore.model import Meta
from libs.ledger.errors import Conflict
from libs.settings import registry
from libs.settings.live import LiveSettings
from services.payment.domain import EVENTS, SPENDING
from services.payment.domain import events as e
from services.payment.domain.spending import Spending, TakeAllowance, allowance_of
from services.payment.handlers import Handlers
from tests.integration.payment.desk import NOON, ORDER, Desk, now

ORDERS = [ORDER.model_copy(update={"order_id": f"L-{number}"}) for number in range(20)]
"""Of 40.00 each, by one buyer on one day."""


async def _spend(desk: Desk, nominal_minor: int, day: int = 1) -> None:
    """The buyer ordered as much before, on another day of this month if not said otherwise."""
    allowance = allowance_of(1, ORDER.buyer.id, NOON.replace(day=day), nominal_minor)
    command = TakeAllowance(at=NOON, payment_id=uuid4(), allowance=allowance)
    await desk.executor.run(Step(SPENDING, allowance.spending_id, command), meta=Meta("test"))


async def _spending(desk: Desk) -> Spending:
    state: Spending = await desk.executor.state(SPENDING, allowance_of(1, ORDER.buyer.id, NOON, 0).spending_id)
    return state


async def _codes(desk: Desk, orders: Sequence[OrderPlaced]) -> list[str]:
    """What became of the orders: a code of refusal, or nothing."""
    stories = [await desk.events(order.order_id) for order in orders]
    return [event.code if isinstance(event, e.OrderRejected) else "" for [event, *_] in stories]


@pytest.fixture
async def elsewhere(desk: Desk, database_url: str) -> AsyncIterator[Handlers]:
    """The same service in another process: nothing in common but the database."""
    async with open_ledger(database_url, "payment") as ledger:
        executor = Executor(ledger.writer, Codec(EVENTS))
        yield Handlers(executor, await LiveSettings.open(ledger), 1, now)


@pytest.mark.parametrize(
    ("spent", "day", "code", "room"),
    [
        (registry.PAYMENT_DAILY_LIMIT.default - 5 * 4_000, 2, "daily_limit", 5),
        (registry.PAYMENT_MONTHLY_LIMIT.default - 7 * 4_000, 1, "monthly_limit", 7),
    ],
)
async def test_orders_at_once_in_two_processes_cannot_together_pass_a_limit(
    desk: Desk, elsewhere: Handlers, spent: int, day: int, code: str, room: int
) -> None:
    await _spend(desk, spent, day)

    async def place(handlers: Handlers, order: OrderPlaced) -> None:
        envelope = desk.envelope(order)
        while True:  # as a carrier does
            try:
                return await handlers.order_placed(order, envelope)
            except Conflict:
                continue

    await asyncio.gather(*(place((desk.handlers, elsewhere)[number % 2], order) for number, order in enumerate(ORDERS)))
    codes = await _codes(desk, ORDERS)
    assert sorted(codes) == [""] * room + [code] * (20 - room)
    assert len((await _spending(desk)).taken) == room + 1


async def test_a_day_has_so_many_orders_and_the_next_day_as_many_again(desk: Desk) -> None:
    await asyncio.gather(*map(desk.place, ORDERS))
    one_more = ORDER.model_copy(update={"order_id": "L-20"})
    tomorrow = ORDER.model_copy(update={"order_id": "L-21", "placed_at": NOON + timedelta(days=1)})
    for order in (one_more, tomorrow):
        await desk.place(order)
    assert await _codes(desk, [*ORDERS, one_more, tomorrow]) == [*[""] * 20, "daily_count", ""]


async def test_the_first_order_of_a_day_is_checked_too(desk: Desk) -> None:
    await _spend(desk, registry.PAYMENT_MONTHLY_LIMIT.default - 3_999)
    await desk.place()
    assert await _codes(desk, [ORDER]) == ["monthly_limit"]


async def test_the_same_order_again_takes_nothing_more_and_is_not_refused_at_the_limit(desk: Desk) -> None:
    await _spend(desk, registry.PAYMENT_DAILY_LIMIT.default - 4_000, NOON.day)
    await desk.place()
    await desk.place()
    assert await desk.story() == ["PaymentRequested"]
    assert len((await _spending(desk)).taken) == 2


async def test_an_order_that_came_to_nothing_gives_its_allowance_back(desk: Desk) -> None:
    refused = ORDER.model_copy(update={"order_id": "L-1", "currency": "CNY"})  # Stripe says no
    cancelled = ORDER.model_copy(update={"order_id": "L-2"})
    paid = ORDER.model_copy(update={"order_id": "L-3"})
    for order in (refused, cancelled):
        await desk.place(order)
    await desk.place_and_pay(order=paid)
    await desk.cancel("L-2")
    await desk.work()
    assert [(await desk.shown(order.order_id))["status"] for order in (refused, cancelled, paid)] == [
        "rejected", "canceled", "captured",
    ]  # fmt: skip
    spending = await _spending(desk)
    assert [taken.nominal_minor for taken in spending.taken.values()] == [4_000]
    assert len(spending.returned) == 2
    assert await desk.work_left() == []


async def test_a_refused_order_takes_nothing_and_may_come_again_when_there_is_room(desk: Desk) -> None:
    await _spend(desk, registry.PAYMENT_DAILY_LIMIT.default, NOON.day)
    await desk.place()
    assert len((await _spending(desk)).taken) == 1
    await desk.place(ORDER.model_copy(update={"placed_at": NOON + timedelta(days=1)}))
    assert await desk.story() == ["OrderRejected", "PaymentRequested"]
