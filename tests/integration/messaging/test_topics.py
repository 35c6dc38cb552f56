from __future__ import annotations

import aio_pika

from libs.messaging.topology import matches
from tests.unit.messaging.topics import KEYS, PATTERNS


async def test_our_matching_of_topics_is_rabbitmqs(amqp_url: str) -> None:
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange("topics", "topic")
        queues = {}
        for pattern in PATTERNS:
            queues[pattern] = await channel.declare_queue(exclusive=True)
            await queues[pattern].bind(exchange, pattern)
        for key in KEYS:
            await exchange.publish(aio_pika.Message(key.encode()), key, mandatory=False)
        for pattern, queue in queues.items():
            taken = set()
            while message := await queue.get(fail=False, no_ack=True):
                taken.add(message.body.decode())
            assert taken == {key for key in KEYS if matches(pattern, key)}, pattern
