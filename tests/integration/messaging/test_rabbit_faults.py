"""RabbitMQ goes away, consumers die: nothing is lost, and nobody has to lend a hand."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator

import aio_pika
import pytest

from libs.devstack.rabbitmq import RabbitMQ, running_rabbitmq
from libs.ledger.errors import Unavailable
from libs.messaging.envelope import Envelope
from libs.messaging.middleware import Patience
from libs.messaging.rabbit import RabbitCarrier
from libs.messaging.route import ORDERS
from libs.messaging.topology import dead_queue, queue_arguments
from tests.integration.messaging.world import (
    BINDINGS,
    QUICK,
    Inbox,
    RabbitWorld,
    letters_of,
    order,
    route,
    until,
    until_ready,
)

_AWAY_SECONDS = 5.0
# RabbitMQ 3.10 writes the name of a new quorum queue down only half a second after it has confirmed the queue: killed
# before, it starts again with a queue that nobody leads. Nothing a client could do about it.
_SETTLE_SECONDS = 2.0


@pytest.fixture
async def broker() -> AsyncIterator[RabbitMQ]:
    """A broker of this test's own, to be stopped and killed."""
    async with running_rabbitmq() as server:
        yield server


async def _publish_stubbornly(carrier: RabbitCarrier, envelopes: list[Envelope]) -> int:
    """As a relay does: again until it is confirmed. Returns how often it was not."""
    refused = 0
    while True:
        try:
            await carrier.publish(envelopes, ORDERS)
        except Unavailable:
            refused += 1
            await asyncio.sleep(0.2)
        else:
            return refused


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_broker_that_goes_away_in_the_middle_loses_nothing(broker: RabbitMQ, end: str) -> None:
    inbox = Inbox()
    carrier = RabbitCarrier(broker.url, bindings=BINDINGS, patience=QUICK)
    await carrier.start([route(inbox)])
    await until_ready(carrier)
    await asyncio.sleep(_SETTLE_SECONDS)

    refused = 0

    async def publish() -> None:
        nonlocal refused
        for start in range(0, 2000, 20):
            refused += await _publish_stubbornly(carrier, [order(f"order-{n}") for n in range(start, start + 20)])
            await asyncio.sleep(0.01)

    publishing = asyncio.create_task(publish())
    await until(lambda: len(inbox.seen) > 200)
    await getattr(broker, end)()
    with pytest.raises(Unavailable):
        await carrier.ready()
    await asyncio.sleep(_AWAY_SECONDS)
    await broker.start()
    await publishing
    assert refused > 0
    await until(lambda: set(inbox.seen) == {f"order-{n}" for n in range(2000)}, seconds=60)
    await until_ready(carrier)
    await carrier.stop()


async def test_a_carrier_may_start_before_its_broker(broker: RabbitMQ) -> None:
    await broker.stop()
    inbox = Inbox()
    carrier = RabbitCarrier(broker.url, bindings=BINDINGS, patience=QUICK)
    await carrier.start([route(inbox)])
    with pytest.raises(Unavailable):
        await carrier.ready()
    with pytest.raises(Unavailable):
        await carrier.publish([order()], ORDERS)
    await asyncio.sleep(2)
    await broker.start()
    await until_ready(carrier)
    await carrier.publish([order("order-1")], ORDERS)
    await inbox.holds("order-1")
    await carrier.stop()


async def test_a_carrier_can_stop_while_its_broker_is_away(broker: RabbitMQ) -> None:
    carrier = RabbitCarrier(broker.url, bindings=BINDINGS, patience=QUICK)
    await carrier.start([route(Inbox())])
    await until_ready(carrier)
    await broker.kill()
    started = time.monotonic()
    await carrier.stop()
    assert time.monotonic() - started < 20


async def test_a_broker_that_hangs_makes_publishing_unavailable_in_time(
    broker: RabbitMQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped process keeps its sockets open: no error comes, only silence."""
    monkeypatch.setattr("libs.messaging.publisher.CONFIRM_SECONDS", 1.0)
    carrier = RabbitCarrier(broker.url, bindings=BINDINGS, patience=QUICK)
    await carrier.publish([order()], ORDERS)
    await broker.machine.signal(signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        await carrier.publish([order()], ORDERS)
    assert time.monotonic() - started < 5
    await broker.machine.signal(signal.SIGCONT)
    await carrier.publish([order()], ORDERS)
    await carrier.stop()


async def test_a_killed_consumers_messages_come_to_another(rabbit_world: RabbitWorld) -> None:
    """Killed as `kill -9` does it: the connection breaks with messages unacknowledged."""
    held = asyncio.Event()

    async def hold(_: Envelope) -> None:
        held.set()
        await asyncio.Event().wait()

    names = {f"order-{n}" for n in range(300)}
    first = rabbit_world.carrier()
    assert isinstance(first, RabbitCarrier)
    await first.publish([order(name) for name in sorted(names)], ORDERS)
    await first.start([route(Inbox(hold))])
    await held.wait()
    inbox = Inbox()
    await rabbit_world.carrier().start([route(inbox)])
    await asyncio.sleep(0.5)
    assert set(inbox.seen) != names, "the first has some in hand"
    _break_connection(first)
    await until(lambda: set(inbox.seen) == names)


async def test_a_consumer_whose_queue_was_deleted_is_not_ready_and_recovers(rabbit_world: RabbitWorld) -> None:
    inbox = Inbox()
    carrier = rabbit_world.carrier()
    await carrier.start([route(inbox)])
    await until_ready(carrier)
    async with await aio_pika.connect(rabbit_world.url) as connection:
        channel = await connection.channel()
        await channel.queue_delete("shop.orders")
        await asyncio.sleep(0.2)
        with pytest.raises(Unavailable, match=r"shop\.orders"):
            await carrier.ready()
        queue = await channel.declare_queue("shop.orders", durable=True, arguments=queue_arguments("shop.orders"))
        await queue.bind(ORDERS, "order.#")
    await until_ready(carrier)
    await carrier.publish([order("order-1")], ORDERS)
    await inbox.holds("order-1")


async def test_what_the_broker_itself_gives_up_is_a_dead_letter_too(rabbit_world: RabbitWorld) -> None:
    """RabbitMQ 4 does so at the 20th return; here a policy says 3."""

    async def fail(_: Envelope) -> None:
        raise Unavailable("The database does not answer.")

    carrier = rabbit_world.carrier(Patience(1, 1, 1, 0.01, 0.01))
    await rabbit_world.manage(
        "PUT", "policies/{vhost}/limit", {"pattern": "^shop", "definition": {"delivery-limit": 3}, "apply-to": "queues"}
    )
    await carrier.start([route(Inbox(fail))])
    await until_ready(carrier)
    await carrier.publish([order("order-1")], ORDERS)
    [letter] = await letters_of(carrier)
    assert (letter.queue, letter.code, letter.type) == ("shop.orders", "delivery_limit", "order.placed.v1")
    assert letter.died_at is not None
    assert await carrier.dead.drop() == 1


async def test_looking_at_dead_letters_again_and_again_keeps_them(rabbit_world: RabbitWorld) -> None:
    carrier = rabbit_world.carrier()
    await carrier.start([route(Inbox())])
    await until_ready(carrier)
    await rabbit_world.inject("shop.orders", b"nonsense", "broken-1")
    await letters_of(carrier)
    for _ in range(25):  # RabbitMQ 4 drops at the 20th return unless told otherwise
        assert [letter.id for letter in await carrier.dead.letters()] == ["broken-1"]


async def test_a_replay_killed_at_any_point_loses_nothing(rabbit_world: RabbitWorld) -> None:
    carrier = rabbit_world.carrier()
    await carrier.start([route(Inbox())])
    await until_ready(carrier)
    for number in range(20):
        await rabbit_world.inject("shop.orders", b"nonsense", f"broken-{number}")
    await letters_of(carrier, 20)
    await carrier.stop()

    for seconds in (0.01, 0.02, 0.03, 0.05, 0.08):
        replaying = asyncio.create_task(carrier.dead.replay())
        await asyncio.sleep(seconds)
        replaying.cancel()
        await asyncio.gather(replaying, return_exceptions=True)
    await asyncio.sleep(0.2)
    waiting = {letter.id for letter in await carrier.dead.letters()}
    replayed = set(await rabbit_world.drain("shop.orders"))
    assert waiting | replayed == {f"broken-{number}" for number in range(20)}


async def test_a_strangers_message_without_an_id_can_be_told_from_others_when_dead(rabbit_world: RabbitWorld) -> None:
    carrier = rabbit_world.carrier()
    await carrier.start([route(Inbox())])
    await until_ready(carrier)
    await rabbit_world.manage(
        "POST",
        "exchanges/{vhost}/amq.default/publish",
        {"properties": {}, "routing_key": "shop.orders", "payload": "x", "payload_encoding": "string"},
    )
    [letter] = await letters_of(carrier)
    assert letter.id
    assert await carrier.dead.drop(id=letter.id) == 1


async def test_dead_letters_of_a_consumer_lie_in_its_own_queue(rabbit_world: RabbitWorld) -> None:
    carrier = rabbit_world.carrier()
    await carrier.start([route(Inbox()), route(Inbox(), "other.orders")])
    await until_ready(carrier)
    await rabbit_world.inject("other.orders", b"nonsense", "broken-1")
    await letters_of(carrier)
    assert await rabbit_world.drain(dead_queue("other.orders")) == ["broken-1"]


def _break_connection(carrier: RabbitCarrier) -> None:
    broker = carrier._broker
    assert broker is not None
    connection = broker._connection
    assert connection is not None
    assert connection.transport is not None
    connection._close_called = True  # and nobody restores it
    connection.transport.connection._writer_task.cancel()  # type: ignore[attr-defined] # aiormq's own
