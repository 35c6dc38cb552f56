"""Publishing to RabbitMQ so that it is certain: persistent, mandatory, confirmed.

On aio-pika's plain connection, not its robust one and not FastStream's: with those a publish while disconnected waits
for a reconnection without regard to its timeout. This one is opened when needed and thrown away at the first doubt. It
is also another connection than the consumers': the broker stops a publisher's whole connection when it runs short.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractMessage
from aio_pika.exceptions import AMQPError, DeliveryError
from aiormq.exceptions import PublishError

from libs.ledger.errors import Unavailable
from libs.messaging.carrier import unroutable
from libs.messaging.envelope import CONTENT_TYPE, Envelope
from libs.messaging.topology import DEAD, EXCHANGES, Binding, dead_queue_arguments, dead_queues, queue_arguments

CONNECT_SECONDS: Final = 5.0
CONFIRM_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
WINDOW_MESSAGES: Final = 250
"""So many may be unconfirmed at a time."""

_GONE: Final = (AMQPError, OSError, TimeoutError, RuntimeError)  # aio-pika's "not open" errors are RuntimeErrors too


@contextmanager
def broker_availability() -> Iterator[None]:
    """Turn the many ways in which a broker is not there into `Unavailable`."""
    try:
        yield
    except PublishError as error:
        delivery = error.message and error.message.delivery
        raise unroutable(getattr(delivery, "routing_key", None), getattr(delivery, "exchange", None)) from error
    except DeliveryError as error:
        raise Unavailable("The broker refused a message; a queue is full or has lost its majority.") from error
    except _GONE as error:
        raise Unavailable(
            f"The broker does not answer ({type(error).__name__}: {error}).", code="broker_down"
        ) from error


async def declare(channel: AbstractChannel, bindings: Sequence[Binding]) -> None:
    """Make the broker's exchanges, queues and bindings what the topology says. Repeatable; removes nothing."""
    await channel.declare_exchange(DEAD, "topic", durable=True)
    for exchange in EXCHANGES:
        await channel.declare_exchange(exchange, "topic", durable=True)
    # Dead queues first: whatever is delivered may die.
    for name in dead_queues(bindings):
        queue = await channel.declare_queue(name, durable=True, arguments=dead_queue_arguments())
        await queue.bind(DEAD, f"{name.partition('.')[0]}.#")
    for binding in bindings:
        queue = await channel.declare_queue(binding.queue, durable=True, arguments=queue_arguments(binding.queue))
        for pattern in binding.patterns:
            await queue.bind(binding.exchange, pattern)


def to_amqp(envelope: Envelope) -> aio_pika.Message:
    return aio_pika.Message(
        envelope.to_json(),
        message_id=envelope.id,
        type=envelope.type,
        content_type=CONTENT_TYPE,
        correlation_id=envelope.correlationid,
        timestamp=envelope.time,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


class Publisher:
    """Publishes over a connection of its own, from any number of tasks."""

    def __init__(self, url: str, bindings: Sequence[Binding]) -> None:
        self._url = url
        self._bindings = bindings
        self._opening = asyncio.Lock()
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None

    async def publish(self, exchange: str, messages: Sequence[tuple[str, AbstractMessage]]) -> None:
        """Publish (routing key, message) in order; returns when the broker has confirmed every one.

        Raises `Unavailable`, `CONFIRM_SECONDS` after the last progress at the latest.
        """
        for start in range(0, len(messages), WINDOW_MESSAGES):
            window = messages[start : start + WINDOW_MESSAGES]
            async with self._certain() as channel:
                target = await channel.get_exchange(exchange, ensure=False)
                await settled(*(target.publish(message, key) for key, message in window))

    async def ping(self) -> None:
        """Raise `Unavailable` unless the broker answers. Makes what is missing of the topology when it connects."""
        async with self._certain() as channel:
            await settled(channel.declare_exchange(DEAD, passive=True))

    async def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with suppress(*_GONE):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await connection.close()

    @asynccontextmanager
    async def _certain(self) -> AsyncIterator[AbstractChannel]:
        with broker_availability():
            try:
                async with asyncio.timeout(CONNECT_SECONDS + CONFIRM_SECONDS):
                    channel = await self._open()
                async with asyncio.timeout(CONFIRM_SECONDS):
                    yield channel
            except DeliveryError:
                raise  # an answer: the connection works
            except _GONE:
                await self.close()
                raise

    async def _open(self) -> AbstractChannel:
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                await self.close()
                self._connection = await aio_pika.connect(self._url, timeout=CONNECT_SECONDS)
                channel = await self._connection.channel(on_return_raises=True)
                await settled(declare(channel, self._bindings))
                self._channel = channel
            return self._channel


async def settled(*calls: Awaitable[Any]) -> None:
    """Wait for all, then raise the first error.

    aio-pika answers the calls that are open when a connection goes with `CancelledError`. Out of here that would look
    as if our own task were cancelled, and a loop would end in silence; in here the two can be told apart.
    """
    for result in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(result, asyncio.CancelledError):
            raise ConnectionError("the connection was lost") from result
        if isinstance(result, BaseException):
            raise result
