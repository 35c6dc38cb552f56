from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import asyncpg
import pytest

from contracts.events.base import Message
from contracts.events.payments import PaymentCanceled
from libs.eventstore.codec import Codec
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Change, Meta, Unit, stream_name
from libs.ledger.decider import Event
from libs.ledger.errors import Unavailable
from libs.messaging.envelope import Envelope
from libs.messaging.local import LocalCarrier
from libs.messaging.relay import Announcer, Relay
from libs.messaging.route import EVENTS
from libs.messaging.topology import Binding, Exchange
from tests.conftest import Databases
from tests.integration.messaging.world import NOON, RabbitWorld, until

BINDINGS = (Binding("audit.all", EVENTS, ("#",)),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(Event):
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scribbled(Event):
    """Nobody else's business."""

    note: str


CODEC: Codec[Event] = Codec((Sent, Scribbled))


def announce(event: Event) -> Message | None:
    match event:
        case Sent(number=number):
            return PaymentCanceled(
                payment_id=UUID(int=number), order_id=f"order-{number}", reason="test", canceled_at=event.at
            )
    return None


ANNOUNCER = Announcer("/holdfast/parcels", ("parcel",), CODEC, announce)


@dataclass
class Recorder:
    """A carrier's publishing side that fails when it is told to, after taking half: that may happen to a real one."""

    got: list[Envelope] = field(default_factory=list)
    failures: int = 0

    async def publish(self, messages: Sequence[Envelope], exchange: Exchange) -> None:
        assert exchange == EVENTS
        if self.failures:
            self.failures -= 1
            self.got += messages[: len(messages) // 2]
            raise Unavailable("The broker does not answer.")
        self.got += messages

    @property
    def orders(self) -> list[str]:
        return [envelope.subject for envelope in self.got]


@pytest.fixture
async def url(databases: Databases) -> AsyncIterator[str]:
    url = await databases.create()
    connection = await asyncpg.connect(url)
    await connection.execute("select ledger.admit_service('parcels', array['parcel', 'secret'])")
    await connection.close()
    yield url
    await databases.drop(url)


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[Ledger]:
    async with open_ledger(url, "parcels") as opened:
        yield opened


async def _append(ledger: Ledger, *events: Event, kind: str = "parcel") -> None:
    change = Change(stream_name(kind, uuid4()), 0, [CODEC.encode(event) for event in events])
    await ledger.writer.append(Unit([change], Meta("test", correlation_id="c-1", causation_id="m-1")))


def _sent(*numbers: int) -> list[Event]:
    return [Sent(number=number, at=NOON) for number in numbers]


@asynccontextmanager
async def _running(relay: Relay) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(relay.run())
    try:
        yield task
    finally:
        task.cancel()  # or the pool would wait for its connection for ever
        await asyncio.gather(task, return_exceptions=True)


async def _terminate(url: str, which: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        f" where datname = current_database() and pid <> pg_backend_pid() and {which}"
    )
    await connection.close()


async def _checkpoint(ledger: Ledger) -> int | None:
    position: int | None = await ledger.pool.fetchval("select position from checkpoints where name = 'relay'")
    return position


async def test_events_become_messages_in_the_order_of_the_log(ledger: Ledger) -> None:
    for number in range(5):
        await _append(ledger, *_sent(number * 10, number * 10 + 1))
    carrier = Recorder()
    assert await Relay(ledger, ANNOUNCER, carrier).catch_up()
    assert carrier.orders == [f"order-{n * 10 + m}" for n in range(5) for m in range(2)]
    first = carrier.got[0]
    assert (first.id, first.type, first.source, first.time) == ("1-1", "payment.canceled.v1", ANNOUNCER.source, NOON)
    assert (first.correlationid, first.causationid, first.book, first.position) == ("c-1", "m-1", 1, 1)
    assert first.dataschema is not None
    assert await _checkpoint(ledger) == 10


async def test_what_is_nobody_elses_business_is_not_announced_and_not_read_again(ledger: Ledger) -> None:
    await _append(ledger, Scribbled(note="x", at=NOON))
    await _append(ledger, *_sent(1), kind="secret")
    carrier = Recorder()
    await Relay(ledger, ANNOUNCER, carrier).catch_up()
    assert carrier.got == []
    assert await _checkpoint(ledger) == 2


async def test_more_than_one_slice_is_announced_whole(ledger: Ledger) -> None:
    for start in range(0, 2500, 500):
        await _append(ledger, *_sent(*range(start, start + 500)))
    carrier = Recorder()
    await Relay(ledger, ANNOUNCER, carrier).catch_up()
    assert carrier.orders == [f"order-{n}" for n in range(2500)]


async def test_the_checkpoint_stays_before_what_was_not_confirmed(ledger: Ledger) -> None:
    await _append(ledger, *_sent(1, 2))
    carrier = Recorder(failures=1)
    relay = Relay(ledger, ANNOUNCER, carrier)
    with pytest.raises(Unavailable):
        await relay.catch_up()
    assert await _checkpoint(ledger) is None
    await relay.catch_up()
    assert carrier.orders == ["order-1", "order-1", "order-2"]
    assert [envelope.id for envelope in carrier.got] == ["1-1", "1-1", "1-2"], "a repetition can be recognised"


async def test_a_running_relay_hears_of_new_events(ledger: Ledger) -> None:
    carrier = Recorder()
    async with _running(Relay(ledger, ANNOUNCER, carrier)):
        await _append(ledger, *_sent(1))
        await until(lambda: carrier.orders == ["order-1"], seconds=5)
        await _append(ledger, *_sent(2))
        await until(lambda: carrier.orders == ["order-1", "order-2"], seconds=5)


async def test_one_relay_works_and_a_stand_in_takes_over_when_it_dies(url: str, ledger: Ledger) -> None:
    carriers = Recorder(), Recorder()
    async with open_ledger(url, "parcels") as doomed, _running(Relay(doomed, ANNOUNCER, carriers[0])) as first:
        await _append(ledger, *_sent(1))
        await until(lambda: carriers[0].orders == ["order-1"])
        async with _running(Relay(ledger, ANNOUNCER, carriers[1])):
            assert await Relay(ledger, ANNOUNCER, carriers[1]).catch_up() is False
            await _append(ledger, *_sent(2))
            await until(lambda: carriers[0].orders == ["order-1", "order-2"])
            assert carriers[1].got == []

            await _terminate(url, "pid in (select pid from pg_locks where locktype = 'advisory')")
            with pytest.raises(Unavailable):
                await first
            await _append(ledger, *_sent(3))
            await until(lambda: carriers[1].orders == ["order-3"])


async def test_relays_of_different_services_do_not_wait_for_each_other(ledger: Ledger) -> None:
    async with _running(Relay(ledger, ANNOUNCER, Recorder())):
        await asyncio.sleep(0.2)
        other = Announcer("/holdfast/others", ("parcel",), CODEC, announce)
        assert await Relay(ledger, other, Recorder()).catch_up()


async def test_a_database_that_goes_away_is_unavailable_and_not_the_end(url: str, ledger: Ledger) -> None:
    relay = Relay(ledger, ANNOUNCER, carrier := Recorder())
    async with _running(relay) as running:
        await _append(ledger, *_sent(1))
        await until(lambda: len(carrier.got) == 1)
        await _terminate(url, "true")
        with pytest.raises(Unavailable):
            await running
        await _append(ledger, *_sent(2))
        await relay.catch_up()
        assert carrier.orders == ["order-1", "order-2"]


async def test_on_the_local_carrier_announcements_reach_the_queues(ledger: Ledger) -> None:
    await _append(ledger, *_sent(1, 2))
    carrier = LocalCarrier(ledger.pool, 1, bindings=BINDINGS)
    await Relay(ledger, ANNOUNCER, carrier).catch_up()
    rows = await ledger.pool.fetch("select queue, message_id from messaging.messages order by id")
    assert [tuple(row) for row in rows] == [("audit.all", "1-1"), ("audit.all", "1-2")]


async def test_on_rabbitmq_announcements_reach_the_queues(ledger: Ledger, rabbit_world: RabbitWorld) -> None:
    await _append(ledger, *_sent(*range(600)))
    await Relay(ledger, ANNOUNCER, rabbit_world.carrier(bindings=BINDINGS)).catch_up()
    assert await rabbit_world.drain("audit.all") == [f"1-{position}" for position in range(1, 601)]
