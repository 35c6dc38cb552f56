"""Dead letters on RabbitMQ: looked at by taking without acknowledging, which the end of the connection undoes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from libs.messaging.dead import LETTERS_MAX, DeadLetter
from libs.messaging.publisher import CONFIRM_SECONDS, CONNECT_SECONDS, broker_availability, declare
from libs.messaging.topology import Binding, dead_queue, dead_queues


class RabbitDead:
    """Dead letters in the queues `{consumer}.dead`. Implements `DeadLetters`.

    While one of these runs, others do not see the letters it has in hand; a letter is never out of the queue before
    what becomes of it is confirmed.
    """

    def __init__(self, url: str, bindings: Sequence[Binding]) -> None:
        self._url = url
        self._bindings = bindings

    async def letters(
        self,
        *,
        queue: str | None = None,
        id: str | None = None,  # noqa: A002 - as the option
        limit: int = LETTERS_MAX,
    ) -> Sequence[DeadLetter]:
        async with self._channel() as channel:
            found = [_letter(message) async for message in self._chosen(channel, queue, id, limit)]
        return sorted(found, key=lambda letter: letter.died_at.timestamp() if letter.died_at else 0.0)

    async def replay(
        self,
        *,
        queue: str | None = None,
        id: str | None = None,  # noqa: A002 - as the option
        corrected: bytes | None = None,
    ) -> int:
        replayed = 0
        async with self._channel() as channel:
            async for message in self._chosen(channel, queue, id):
                await channel.default_exchange.publish(
                    _reborn(message, corrected), _letter(message).queue, timeout=CONFIRM_SECONDS
                )
                await message.ack()
                replayed += 1
        return replayed

    async def drop(self, *, queue: str | None = None, id: str | None = None) -> int:  # noqa: A002 - as the option
        dropped = 0
        async with self._channel() as channel:
            async for message in self._chosen(channel, queue, id):
                await message.ack()
                dropped += 1
        return dropped

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        with broker_availability():
            async with await aio_pika.connect(self._url, timeout=CONNECT_SECONDS) as connection:
                channel = await connection.channel(on_return_raises=True)
                await declare(channel, self._bindings)
                yield channel

    async def _chosen(
        self, channel: AbstractChannel, queue: str | None, message_id: str | None, limit: int | None = None
    ) -> AsyncIterator[AbstractIncomingMessage]:
        left = limit
        for name in dead_queues(self._bindings):
            if queue is not None and name != dead_queue(queue):
                continue
            dead = await channel.declare_queue(name, passive=True)
            # As many as there are now: one that is replayed may die and be here again before we are through.
            for _ in range(dead.declaration_result.message_count or 0):
                message = await dead.get(fail=False, timeout=CONFIRM_SECONDS)
                if message is None or left == 0:
                    break
                if (queue is None or _letter(message).queue == queue) and message_id in {None, message.message_id}:
                    left = left and left - 1
                    yield message


def _letter(message: AbstractIncomingMessage) -> DeadLetter:
    headers: dict[str, Any] = dict(message.headers)
    died_at = headers.get("x-holdfast-died-at")
    by_broker: dict[str, Any] = (headers.get("x-death") or [{}])[0]
    return DeadLetter(
        id=message.message_id or "",
        queue=str(headers.get("x-holdfast-queue") or by_broker.get("queue") or message.routing_key),
        type=message.type,
        code=str(headers.get("x-holdfast-code") or by_broker.get("reason") or "unknown"),
        reason=str(headers.get("x-holdfast-reason") or "The broker gave the message up."),
        died_at=datetime.fromisoformat(died_at) if isinstance(died_at, str) else by_broker.get("time"),
        body=message.body,
    )


def _reborn(message: AbstractIncomingMessage, corrected: bytes | None) -> aio_pika.Message:
    """The message as it was before it died, without the headers of its death."""
    return aio_pika.Message(
        message.body if corrected is None else corrected,
        message_id=message.message_id,
        type=message.type,
        content_type=message.content_type,
        correlation_id=message.correlation_id,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
