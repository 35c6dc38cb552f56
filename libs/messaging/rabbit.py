"""The carrier between processes: RabbitMQ, consumed through FastStream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import uuid4

import aio_pika
import structlog
from aio_pika import IncomingMessage
from aio_pika.abc import AbstractMessage
from faststream import AckPolicy
from faststream.message import StreamMessage
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.message import RabbitMessage
from faststream.rabbit.subscriber import RabbitSubscriber

from libs.ledger.errors import Unavailable
from libs.messaging.envelope import Envelope
from libs.messaging.middleware import Death, Patience, Reception
from libs.messaging.publisher import CLOSE_SECONDS, CONNECT_SECONDS, Publisher, broker_availability, settled, to_amqp
from libs.messaging.rabbit_dead import RabbitDead
from libs.messaging.route import Route, check
from libs.messaging.topology import BINDINGS, DEAD, Binding, Exchange

PREFETCH_MESSAGES: Final = 200
"""In hand at once, by queue: enough for the store's group commit to gather."""
RECONNECT_SECONDS: Final = 1.0
START_SECONDS: Final = 30.0
GRACE_SECONDS: Final = 15.0

log = structlog.get_logger(__name__)


class RabbitCarrier:
    """Carries messages over RabbitMQ 3.10 and later. Implements `Carrier`."""

    def __init__(
        self,
        url: str,
        *,
        bindings: Sequence[Binding] = BINDINGS,
        prefetch_messages: int = PREFETCH_MESSAGES,
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        self._url = url
        self._bindings = bindings
        self._prefetch_messages = prefetch_messages
        self._patience = patience
        self._publisher = Publisher(url, bindings)
        self._routes: Sequence[Route] = ()
        self._starting: asyncio.Task[None] | None = None
        self._broker: RabbitBroker | None = None
        self._fault = "the consumers have not started"
        self.dead = RabbitDead(url, bindings)

    async def publish(self, messages: Sequence[Envelope], exchange: Exchange) -> None:
        await self._publisher.publish(exchange, [(message.type, to_amqp(message)) for message in messages])

    async def start(self, routes: Sequence[Route]) -> None:
        check(routes, self._bindings)
        self._routes = routes
        if routes:
            self._starting = asyncio.create_task(self._start(), name="start consuming")

    async def stop(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self._close(self._broker)
        await self._publisher.close()

    async def ready(self) -> None:
        await self._publisher.ping()
        if not self._routes:
            return
        subscribers = self._broker.subscribers if self._broker and self._broker.running else []
        idle = [sub.queue.name for sub in cast("list[RabbitSubscriber]", subscribers) if not await _consumes(sub)]
        if idle or not subscribers:
            raise Unavailable(f"Not consuming {', '.join(idle) or 'yet'}: {self._fault}.", code="not_consuming")

    async def _start(self) -> None:
        """Try until it works once; from then on aio-pika restores connection, channels and consumers."""
        while True:
            self._broker = self._build()
            try:
                await self._publisher.ping()
                with broker_availability():
                    async with asyncio.timeout(START_SECONDS):
                        await settled(self._broker.start())
            except Unavailable as error:
                self._fault = error.text
                log.warning("cannot consume yet, will try again", error=error.text)
            except Exception as error:
                self._fault = repr(error)
                log.exception("consuming does not start, will try again")
            else:
                self._fault = "the connection or the queue was lost"
                return
            await self._close(self._broker)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _close(self, broker: RabbitBroker | None) -> None:
        """Let handlers finish, then close. On a lost connection FastStream would wait for it, hence the limit."""
        if broker is not None:
            try:
                with broker_availability():
                    async with asyncio.timeout(GRACE_SECONDS + CLOSE_SECONDS):
                        await settled(broker.stop())
            except Unavailable as error:
                log.info("the broker was away when we closed", error=error.text)

    def _build(self) -> RabbitBroker:
        broker = RabbitBroker(
            self._url,
            timeout=CONNECT_SECONDS,
            reconnect_interval=RECONNECT_SECONDS,
            graceful_timeout=GRACE_SECONDS,  # None would wait for nobody
            ack_policy=AckPolicy.MANUAL,
            parser=_parse,
            decoder=_raw,
            # Reception decodes, validates and logs; each of these would cost a message another tenth of its time.
            logger=None,
            apply_types=False,
        )
        for route in self._routes:
            # A channel for every queue: prefetch is counted by channel and unlimited unless set. The queue is only
            # looked up here, because a FastStream subscriber binds with one pattern and a route may have several.
            broker.subscriber(
                RabbitQueue(route.queue, declare=False),
                channel=Channel(prefetch_count=self._prefetch_messages),
                no_reply=True,
            )(self._handler(route))
        return broker

    def _handler(self, route: Route) -> Callable[[IncomingMessage], Awaitable[None]]:
        reception = Reception(route, self._patience)

        async def handle(message: IncomingMessage) -> None:
            await reception.receive(_RabbitDelivery(message, message.body, route.queue, self._publisher))

        return handle


async def _consumes(subscriber: RabbitSubscriber) -> bool:
    """Whether the broker knows this consumer now. FastStream's own `ping` sees the connection only."""
    queue, tag = subscriber._queue_obj, subscriber._consumer_tag  # noqa: SLF001 - no public way to either
    if queue is None or queue.channel.is_closed:
        return False
    channel = await queue.channel.get_underlay_channel()
    return tag in cast("Mapping[str, Any]", getattr(channel, "consumers", {}))


async def _parse(message: IncomingMessage) -> StreamMessage[Any]:
    return RabbitMessage(raw_message=message, body=message.body, message_id="", correlation_id="-")


async def _raw(message: StreamMessage[Any]) -> IncomingMessage:
    raw: IncomingMessage = message.raw_message
    return raw


@dataclass(frozen=True, slots=True)
class _RabbitDelivery:
    message: IncomingMessage
    body: bytes
    queue: str
    publisher: Publisher

    async def ack(self) -> None:
        with broker_availability():
            await self.message.ack()

    async def requeue(self) -> None:
        # Not nack: on RabbitMQ 4.3 that does not count as a delivery, and a message could go round for ever.
        with broker_availability():
            await self.message.reject(requeue=True)

    async def bury(self, death: Death) -> None:
        # Published by us, because a rejected message carries no reason. Confirmed before the original goes.
        await self.publisher.publish(DEAD, [(self.queue, self._dead_letter(death))])
        await self.ack()

    def _dead_letter(self, death: Death) -> AbstractMessage:
        return aio_pika.Message(
            self.body,
            message_id=self.message.message_id or str(uuid4()),
            content_type=self.message.content_type,
            type=death.type or self.message.type,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            headers={
                "x-holdfast-code": death.code,
                "x-holdfast-reason": death.reason,
                "x-holdfast-queue": self.queue,
                "x-holdfast-died-at": datetime.now(UTC).isoformat(),
            },
        )
