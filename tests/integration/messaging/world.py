"""Carriers for tests: both kinds behind one face, and messages to send through them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Protocol

import aio_pika
import asyncpg

from contracts.events.orders import OrderCancelled, OrderPlaced
from libs.devstack.rabbitmq import RabbitMQ
from libs.eventstore.pool import open_pool
from libs.ledger.errors import Unavailable
from libs.messaging.carrier import Carrier
from libs.messaging.dead import DeadLetter
from libs.messaging.envelope import Envelope, wrap
from libs.messaging.local import LocalCarrier
from libs.messaging.middleware import Patience
from libs.messaging.rabbit import RabbitCarrier
from libs.messaging.route import Handler, Route
from libs.messaging.topology import ORDERS, Binding

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
BINDINGS = (Binding("shop.orders", ORDERS, ("order.#",)), Binding("other.orders", ORDERS, ("order.#",)))
QUICK = Patience(pause_seconds_min=0.01, pause_seconds_max=0.05)
_serial = count(1)


def placed(order_id: str = "order-1") -> OrderPlaced:
    return OrderPlaced.model_validate(
        {
            "order_id": order_id,
            "buyer": {"id": "buyer-1", "country": "DE"},
            "currency": "USD",
            "rail": "card",
            "lines": [{"seller": "seller-1", "category": "books", "amount_minor": 1200}],
            "placed_at": NOON,
        }
    )


def order(order_id: str | None = None) -> Envelope:
    number = next(_serial)
    return wrap(placed(order_id or f"order-{number}"), id=f"1-{number}", source="/shop", time=NOON)


def cancelled(order_id: str = "order-1") -> Envelope:
    message = OrderCancelled(order_id=order_id, cancelled_by="buyer", reason="changed my mind")
    return wrap(message, id=f"1-{next(_serial)}", source="/shop", time=NOON)


def route(handler: Handler, queue: str = "shop.orders") -> Route:
    return Route(queue, ORDERS, ("order.#",), {OrderPlaced: handler})


class Inbox:
    """A handler that remembers the order ids it saw, and does first what the test asks."""

    def __init__(self, first: Callable[[Envelope], Awaitable[None]] | None = None) -> None:
        self.seen: list[str] = []
        self._first = first

    async def __call__(self, message: OrderPlaced, envelope: Envelope) -> None:
        if self._first is not None:
            await self._first(envelope)
        self.seen.append(message.order_id)

    async def holds(self, *order_ids: str, seconds: float = 20) -> None:
        await until(lambda: set(order_ids) <= set(self.seen), seconds=seconds, what=f"{order_ids} in {self.seen[-5:]}")


async def until(condition: Callable[[], bool], *, seconds: float = 20, what: str = "it") -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, f"{what} did not come within {seconds} seconds"
        await asyncio.sleep(0.02)


async def until_ready(carrier: Carrier, seconds: float = 30) -> None:
    give_up_at = time.monotonic() + seconds
    while True:
        try:
            return await carrier.ready()
        except Unavailable:
            if time.monotonic() > give_up_at:
                raise
        await asyncio.sleep(0.05)


async def letters_of(carrier: Carrier, number: int = 1) -> Sequence[DeadLetter]:
    """The dead letters, as soon as there are so many."""
    give_up_at = time.monotonic() + 20
    while len(found := await carrier.dead.letters()) < number:
        assert time.monotonic() < give_up_at, f"{number} dead letters were expected, {found} found"
        await asyncio.sleep(0.05)
    return found


class World(Protocol):
    """A place where carriers meet: they see the same queues."""

    def carrier(self, patience: Patience = QUICK, bindings: Sequence[Binding] = BINDINGS) -> Carrier: ...

    async def inject(self, queue: str, body: bytes, message_id: str) -> None:
        """Put bytes into a queue as a stranger would."""

    async def close(self) -> None: ...


class RabbitWorld:
    def __init__(self, server: RabbitMQ, url: str) -> None:
        self.server = server
        self.url = url
        self._carriers: list[Carrier] = []

    def carrier(self, patience: Patience = QUICK, bindings: Sequence[Binding] = BINDINGS) -> Carrier:
        self._carriers.append(RabbitCarrier(self.url, patience=patience, bindings=bindings))
        return self._carriers[-1]

    async def inject(self, queue: str, body: bytes, message_id: str) -> None:
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            await channel.default_exchange.publish(aio_pika.Message(body, message_id=message_id), queue)

    async def drain(self, queue: str) -> list[str | None]:
        """Take everything out of a queue; the ids."""
        ids = []
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            source = await channel.get_queue(queue)
            while message := await source.get(fail=False, no_ack=True):
                ids.append(message.message_id)
        return ids

    async def manage(self, method: str, path: str, body: object) -> None:
        """The management API; `{vhost}` in the path is ours."""
        await self.server.manage(method, "/api/" + path.format(vhost=self.url.rpartition("/")[2]), body)

    async def close(self) -> None:
        for carrier in self._carriers:
            await carrier.stop()


class LocalWorld:
    def __init__(self, url: str, pool: asyncpg.Pool) -> None:
        self.url = url
        self.pool = pool
        self._carriers: list[Carrier] = []

    def carrier(self, patience: Patience = QUICK, bindings: Sequence[Binding] = BINDINGS) -> Carrier:
        self._carriers.append(LocalCarrier(self.pool, 1, patience=patience, bindings=bindings))
        return self._carriers[-1]

    async def inject(self, queue: str, body: bytes, message_id: str) -> None:
        await self.pool.execute(
            "insert into messaging.messages (book, queue, message_id, body) values (1, $1, $2, $3)",
            queue,
            message_id,
            body,
        )

    async def close(self) -> None:
        for carrier in self._carriers:
            await carrier.stop()


@asynccontextmanager
async def local_world(database_url: str) -> AsyncIterator[LocalWorld]:
    async with open_pool(database_url, None) as pool:
        world = LocalWorld(database_url, pool)
        yield world
        await world.close()
