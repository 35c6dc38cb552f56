"""What every carrier must do. The same tests for RabbitMQ and for the in-process one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from contracts.events.orders import OrderPlaced
from libs.ledger.errors import Conflict, KeyReused, Overdrawn, Rejected, Unavailable
from libs.messaging.envelope import Envelope
from libs.messaging.middleware import Patience
from libs.messaging.route import ORDERS, Route
from libs.messaging.topology import EVENTS, Binding
from tests.integration.messaging.world import (
    NOON,
    Inbox,
    World,
    cancelled,
    letters_of,
    order,
    placed,
    route,
    until,
    until_ready,
)


async def test_a_published_message_reaches_its_handler_whole(world: World) -> None:
    got: list[tuple[OrderPlaced, Envelope]] = []

    async def handle(message: OrderPlaced, envelope: Envelope) -> None:
        got.append((message, envelope))

    carrier = world.carrier()
    await carrier.start([route(handle)])
    sent = order("order-1")
    await carrier.publish([sent], ORDERS)
    await until(lambda: len(got) > 0)
    assert got == [(placed("order-1"), sent)]
    assert got[0][1].time == NOON


async def test_what_is_published_before_anybody_listens_is_kept(world: World) -> None:
    await world.carrier().publish([order("early")], ORDERS)
    inbox = Inbox()
    await world.carrier().start([route(inbox)])
    await inbox.holds("early")


async def test_every_queue_that_matches_gets_its_own_copy(world: World) -> None:
    one, other = Inbox(), Inbox()
    carrier = world.carrier()
    await carrier.start([route(one), route(other, "other.orders")])
    await carrier.publish([order("order-1")], ORDERS)
    await one.holds("order-1")
    await other.holds("order-1")


async def test_two_consumers_of_one_queue_share_its_messages(world: World) -> None:
    one, other = Inbox(), Inbox()
    first, second = world.carrier(), world.carrier()
    await first.start([route(one)])
    await second.start([route(other)])
    await until_ready(first)
    await until_ready(second)
    names = [f"order-{n}" for n in range(500)]
    await first.publish([order(name) for name in names], ORDERS)
    await until(lambda: len(one.seen) + len(other.seen) >= 500)
    await asyncio.sleep(0.2)
    assert sorted(one.seen + other.seen) == sorted(names)


async def test_messages_of_one_queue_are_handled_at_once(world: World) -> None:
    """The store's group commit has nothing to gather otherwise."""
    inside = 0
    together = asyncio.Event()

    async def meet(_: Envelope) -> None:
        nonlocal inside
        inside += 1
        if inside == 50:
            together.set()
        async with asyncio.timeout(10):
            await together.wait()

    inbox = Inbox(meet)
    carrier = world.carrier()
    await carrier.publish([order() for _ in range(50)], ORDERS)
    await carrier.start([route(inbox)])
    await until(lambda: len(inbox.seen) == 50)


async def test_messages_stand_in_the_queue_in_the_order_they_were_published(world: World) -> None:
    names = [f"order-{n}" for n in range(600)]
    carrier = world.carrier()
    await carrier.publish([order(name) for name in names], ORDERS)
    inbox = Inbox()
    await carrier.start([route(inbox)])
    await until(lambda: len(inbox.seen) == 600)
    assert inbox.seen == names


async def test_a_known_message_without_a_handler_is_passed_over(world: World) -> None:
    inbox = Inbox()
    carrier = world.carrier()
    await carrier.start([route(inbox)])
    await carrier.publish([cancelled(), order("after")], ORDERS)
    await inbox.holds("after")
    assert await carrier.dead.letters() == []


async def test_a_handler_of_everything_gets_envelopes_of_any_type(world: World) -> None:
    seen: list[str] = []

    async def every(envelope: Envelope) -> None:
        seen.append(envelope.type)

    bindings = (Binding("audit.all", ORDERS, ("#",)),)
    carrier = world.carrier(bindings=bindings)
    await carrier.start([Route("audit.all", ORDERS, ("#",), {}, every=every)])
    stranger = Envelope("x-1", "order.exploded.v9", "/shop", "order-1", NOON, {})
    await carrier.publish([order(), stranger], ORDERS)
    await until(lambda: sorted(seen) == ["order.exploded.v9", "order.placed.v1"])


async def test_malformed_bytes_are_dead_lettered_and_replayed_after_a_fix(world: World) -> None:
    inbox = Inbox()
    carrier = world.carrier()
    await carrier.start([route(inbox)])
    await until_ready(carrier)
    await world.inject("shop.orders", b'{"specversion": "1.0", "id": ', "broken-1")
    await carrier.publish([order("after")], ORDERS)
    await inbox.holds("after")

    [letter] = await letters_of(carrier)
    assert (letter.id, letter.queue, letter.code) == ("broken-1", "shop.orders", "undecodable")
    assert "CloudEvents" in letter.reason
    assert letter.body == b'{"specversion": "1.0", "id": '
    assert letter.died_at is not None

    assert await carrier.dead.replay(id="broken-1", corrected=order("mended").to_json()) == 1
    await inbox.holds("mended")
    assert await carrier.dead.letters() == []


async def test_a_message_of_unknown_type_is_dead_lettered_with_its_type(world: World) -> None:
    carrier = world.carrier()
    await carrier.start([route(Inbox())])
    await carrier.publish([Envelope("x-1", "order.exploded.v1", "/shop", "order-1", NOON, {})], ORDERS)
    [letter] = await letters_of(carrier)
    assert (letter.id, letter.type, letter.code) == ("x-1", "order.exploded.v1", "unknown_message_type")
    assert "order.exploded.v1" in letter.reason


async def test_wrong_data_is_dead_lettered_with_the_fields_at_fault(world: World) -> None:
    sent = order()
    wrong = replace(sent, data={**sent.data, "currency": "euros", "buyer": {}})
    carrier = world.carrier()
    await carrier.start([route(Inbox())])
    await carrier.publish([wrong], ORDERS)
    [letter] = await letters_of(carrier)
    assert letter.code == "undecodable"
    for path in ("currency:", "buyer.id:", "buyer.country:"):
        assert path in letter.reason


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Rejected("This order is impossible.", code="impossible"), "impossible"),
        (KeyReused("The key was used for another request."), "key_reused"),
        (Overdrawn("Too little."), "overdrawn"),
        (ZeroDivisionError("division by zero"), "defect"),
    ],
)
async def test_what_a_handler_cannot_do_is_dead_lettered_and_holds_nobody_up(
    world: World, error: Exception, code: str
) -> None:
    async def refuse(envelope: Envelope) -> None:
        if envelope.subject == "bad":
            raise error

    inbox = Inbox(refuse)
    carrier = world.carrier()
    await carrier.start([route(inbox)])
    await carrier.publish([order("bad"), order("good")], ORDERS)
    await inbox.holds("good")
    [letter] = await letters_of(carrier)
    assert letter.code == code
    assert str(error) in letter.reason
    assert inbox.seen == ["good"]


@pytest.mark.parametrize("error", [Unavailable("The database does not answer."), Conflict("Somebody was faster.")])
async def test_what_passes_is_tried_again_until_it_works(world: World, error: Exception) -> None:
    """Also beyond the patience in place, when the message goes back to its queue and comes again."""
    tries = 0

    async def fail(_: Envelope) -> None:
        nonlocal tries
        tries += 1
        if tries < 8:
            raise error

    inbox = Inbox(fail)
    carrier = world.carrier(Patience(3, 3, 3, pause_seconds_min=0.01, pause_seconds_max=0.02))
    await carrier.start([route(inbox)])
    await carrier.publish([order("order-1")], ORDERS)
    await inbox.holds("order-1")
    assert tries == 8
    assert await carrier.dead.letters() == []


async def test_an_unroutable_message_is_an_error_for_its_publisher(world: World) -> None:
    carrier = world.carrier()
    with pytest.raises(Unavailable) as caught:
        await carrier.publish([Envelope("x-1", "refund.wanted.v1", "/shop", "order-1", NOON, {})], ORDERS)
    assert caught.value.code == "unroutable"
    assert "refund.wanted.v1" in caught.value.text
    with pytest.raises(Unavailable):
        await carrier.publish([order()], EVENTS)
    await carrier.publish([order()], ORDERS)


async def test_a_route_that_the_topology_does_not_know_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match=r"topology\.py"):
        await world.carrier().start([Route("shop.orders", ORDERS, ("order.placed.#",), {})])


async def test_a_stopped_consumer_leaves_what_it_had_not_finished(world: World) -> None:
    begun = asyncio.Event()

    async def hang(_: Envelope) -> None:
        begun.set()
        await asyncio.sleep(1)

    slow, inbox = Inbox(hang), Inbox()
    first = world.carrier()
    await first.start([route(slow)])
    await first.publish([order(f"order-{n}") for n in range(300)], ORDERS)
    await begun.wait()
    await first.stop()
    second = world.carrier()
    await second.start([route(inbox)])
    await until(lambda: {*slow.seen, *inbox.seen} == {f"order-{n}" for n in range(300)})


async def test_a_consumer_is_ready_when_it_consumes_and_not_before(world: World) -> None:
    carrier = world.carrier()
    await carrier.start([route(Inbox())])
    await until_ready(carrier)
    await carrier.stop()
    with pytest.raises(Unavailable):
        await carrier.ready()
