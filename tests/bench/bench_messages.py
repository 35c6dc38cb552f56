"""Consuming and publishing on RabbitMQ, beside bare aio-pika on queues of the same kind with the same prefetch.

Ours decodes the envelope and the message, binds the log context, calls a handler that does nothing, and acknowledges;
bare aio-pika acknowledges. Ours encodes what it publishes; bare aio-pika gets bytes. Rates run from the first message
to the last, so that connecting is nobody's burden.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import aio_pika

from contracts.events.orders import OrderPlaced
from libs.devstack.rabbitmq import running_rabbitmq
from libs.messaging.envelope import Envelope, wrap
from libs.messaging.publisher import WINDOW_MESSAGES, to_amqp
from libs.messaging.rabbit import PREFETCH_MESSAGES, RabbitCarrier
from libs.messaging.route import ORDERS, Route
from libs.messaging.topology import Binding, queue_arguments
from tests.bench.harness import Result, Side, in_turns

MESSAGES = 6_000
_serial = count(1)


def _envelopes() -> list[Envelope]:
    now = datetime.now(UTC)
    message = OrderPlaced.model_validate(
        {
            "order_id": "order-1",
            "buyer": {"id": "buyer-1", "country": "DE"},
            "currency": "EUR",
            "rail": "card",
            "lines": [
                {"seller": "atelier-brass", "category": "lighting", "amount_minor": 12900, "shipping_minor": 690},
                {"seller": "papeterie.lune", "category": "stationery", "amount_minor": 2450},
            ],
            "placed_at": now,
        }
    )
    return [
        wrap(message, id=f"1-{n}", source="/shop", time=now, correlationid="order-1", book=1, position=n)
        for n in range(1, MESSAGES + 1)
    ]


@dataclass
class Finish:
    """Counts messages; knows when the first and the last came."""

    left: int = MESSAGES
    started: float = 0.0
    ended: float = 0.0
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def count(self) -> None:
        if self.left == MESSAGES:
            self.started = time.perf_counter()
        self.left -= 1
        if self.left == 0:
            self.ended = time.perf_counter()
            self.done.set()


@dataclass(frozen=True)
class Consuming(Side[Any]):
    """A side whose input is a queue filled beforehand."""

    url: str
    consume: Callable[[str, Binding, Finish], Awaitable[None]]

    async def rate(self) -> float:
        binding = Binding(f"bench.orders{next(_serial)}", ORDERS, ("order.#",))
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            arguments = queue_arguments(binding.queue)
            queue = await channel.declare_queue(binding.queue, durable=True, arguments=arguments)
            await _publish_bare(channel, binding.queue, [to_amqp(envelope) for envelope in _envelopes()])
            finish = Finish()
            async with asyncio.timeout(120):
                await self.consume(self.url, binding, finish)
            left = await channel.declare_queue(binding.queue, durable=True, arguments=arguments)
            assert left.declaration_result.message_count == 0, "everything was acknowledged"
            await queue.delete(if_empty=False, if_unused=False)
        return (MESSAGES - 1) / (finish.ended - finish.started)


async def _consume(url: str, binding: Binding, finish: Finish) -> None:
    async def handle(_message: OrderPlaced, _envelope: Envelope) -> None:
        finish.count()

    carrier = RabbitCarrier(url, bindings=[binding])
    await carrier.start([Route(binding.queue, binding.exchange, binding.patterns, {OrderPlaced: handle})])
    await finish.done.wait()
    await carrier.stop()


async def _consume_bare(url: str, binding: Binding, finish: Finish) -> None:
    async def handle(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        await message.ack()
        finish.count()

    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH_MESSAGES)
        queue = await channel.get_queue(binding.queue)
        await queue.consume(handle)
        await finish.done.wait()


async def _publish_bare(
    channel: aio_pika.abc.AbstractChannel, key: str, messages: list[aio_pika.Message], exchange: str = ""
) -> None:
    target = await channel.get_exchange(exchange, ensure=False)
    for start in range(0, len(messages), WINDOW_MESSAGES):
        window = messages[start : start + WINDOW_MESSAGES]
        await asyncio.gather(*(target.publish(message, key) for message in window))


async def _consuming(url: str) -> Result:
    def nothing() -> None: ...

    async def no_run(_: Any) -> int:
        raise NotImplementedError("its rate is measured within")

    return await in_turns(
        "messages",
        "messages/s",
        Consuming(nothing, no_run, url, _consume),
        Consuming(nothing, no_run, url, _consume_bare),
        prefetch=PREFETCH_MESSAGES,
    )


async def _publishing(url: str) -> Result:
    binding = Binding("bench.published", ORDERS, ("order.#",))
    carrier = RabbitCarrier(url, bindings=[binding])
    await carrier.ready()

    async def ours(envelopes: list[Envelope]) -> int:
        await carrier.publish(envelopes, ORDERS)
        return len(envelopes)

    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()

        async def bare(messages: list[aio_pika.Message]) -> int:
            await _publish_bare(channel, "order.placed.v1", messages, ORDERS)
            return len(messages)

        result = await in_turns(
            "messages_published",
            "messages/s",
            Side(_envelopes, ours),
            Side(lambda: [to_amqp(envelope) for envelope in _envelopes()], bare),
            window=WINDOW_MESSAGES,
        )
        queue = await channel.declare_queue(binding.queue, durable=True, passive=True)
        assert (queue.declaration_result.message_count or 0) >= MESSAGES
    await carrier.stop()
    return result


async def run() -> list[Result]:
    async with running_rabbitmq() as broker:
        return [await _consuming(broker.url), await _publishing(broker.url)]
