from __future__ import annotations

from urllib.error import HTTPError

import aio_pika
import pytest

from libs.devstack import rabbitmq_node
from libs.devstack.errors import MissingServer, NotOurServer
from libs.devstack.rabbitmq import RabbitMQ, running_rabbitmq


async def _publish(url: str, body: bytes) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, routing_key="kept")


async def _take(url: str) -> bytes:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue("kept")
        message = await queue.get(timeout=10)
        assert message is not None
        await message.ack()
        return message.body


async def test_each_test_has_a_virtual_host_of_its_own(rabbitmq_server: RabbitMQ, amqp_url: str) -> None:
    await _publish(amqp_url, b"mine")
    assert await _take(amqp_url) == b"mine"
    other = await rabbitmq_server.create_vhost("devstack_other")
    with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
        await _take(other)
    await rabbitmq_server.delete_vhost("devstack_other")


async def test_confirmed_messages_outlive_a_stop_and_a_kill_on_the_same_port() -> None:
    async with running_rabbitmq() as broker:
        for end in (broker.stop, broker.kill):
            await _publish(broker.url, b"durable")
            await end()
            with pytest.raises(aio_pika.exceptions.AMQPConnectionError):
                await aio_pika.connect(broker.url)
            await broker.start()
            assert await _take(broker.url) == b"durable"


async def test_a_broker_given_by_url_cannot_be_killed(rabbitmq_server: RabbitMQ) -> None:
    with pytest.raises(NotOurServer):
        await rabbitmq_server.kill()


async def test_a_refusal_of_the_management_api_is_raised(rabbitmq_server: RabbitMQ) -> None:
    with pytest.raises(HTTPError):
        await rabbitmq_server.manage("GET", "/api/vhosts/no-such-vhost")


def test_a_missing_broker_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rabbitmq_node, "_REAL_SERVERS", ())
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingServer, match="apt-get install rabbitmq-server") as caught:
        rabbitmq_node.find_server()
    assert caught.value.code == "missing_server"
