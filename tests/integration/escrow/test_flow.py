"""From the captured payment to the sellers or back to the buyer, on a real ledger."""

from __future__ import annotations

import asyncio
import random

import pytest

from contracts.events.base import Message
from libs.eventstore.model import Recorded
from libs.eventstore.projector import EventProjection, Projector
from libs.ledger.errors import KeyReused, Overdrawn, Rejected
from libs.messaging.envelope import decode
from libs.messaging.route import check
from libs.messaging.topology import BINDINGS
from libs.settings import registry
from tests.integration.escrow.world import World, cancelled, captured, delivered, disputed, envelope
from tests.integration.eventstore.applying import apply


async def test_an_order_is_held_confirmed_and_released(world: World) -> None:
    await world.held("order-1")
    assert await world.show("order-1") == {"status": "HELD", "anna": "held", "bert": "held"}
    assert await world.balances() == {"stripe:platform": 16_000, "escrow:held": 16_000}

    await world.receive(envelope(delivered(on=3)))
    assert (await world.show("order-1"))["status"] == "PENDING_RELEASE"

    assert await world.release_due(9.9) == {"done": 0, "left": 0, "released": 0, "auto_confirmed": 0}
    assert await world.release_due(10) == {"done": 2, "left": 0, "released": 2, "auto_confirmed": 0}
    assert await world.show("order-1") == {"status": "RELEASED", "anna": "released", "bert": "released"}
    assert await world.balances() == {
        "stripe:platform": 16_000,
        "seller:anna:available": 10_500,
        "seller:bert:available": 2_400,
        "revenue:commission": 3_100,
    }


async def test_one_sellers_delivery_releases_that_sellers_part_and_a_cancellation_refunds_the_rest(
    world: World,
) -> None:
    await world.held("order-1")
    await world.receive(envelope(delivered(seller="bert")))
    await world.release_due(10)
    assert await world.show("order-1") == {"status": "PARTIALLY_RELEASED", "anna": "held", "bert": "released"}
    await world.receive(envelope(cancelled()))
    assert await world.show("order-1") == {"status": "RELEASED", "anna": "refunded", "bert": "released"}
    assert (await world.balances())["refunds:payable"] == 13_000
    assert "escrow:held" not in await world.balances()


async def test_a_cancellation_that_comes_before_the_money_refunds_it_on_arrival(world: World) -> None:
    await world.receive(envelope(cancelled()), envelope(delivered()))
    assert await world.show("order-1") == {"status": None}
    await world.held("order-1")
    assert await world.show("order-1") == {"status": "REFUNDED", "anna": "refunded", "bert": "refunded"}
    assert await world.balances() == {"stripe:platform": 16_000, "refunds:payable": 16_000}


async def test_an_order_that_nobody_confirms_is_confirmed_by_the_job_and_released_a_week_later(world: World) -> None:
    await world.held("order-1")
    assert (await world.release_due(30))["auto_confirmed"] == 2
    assert (await world.release_due(36.9))["done"] == 0
    assert (await world.release_due(37))["released"] == 2


async def test_with_escrow_off_all_is_released_at_capture(world: World) -> None:
    await world.set(registry.ESCROW_ENABLED, value=False)
    await world.held("order-1")
    assert (await world.show("order-1"))["status"] == "RELEASED"
    with pytest.raises(Rejected) as refusal:
        await world.receive(envelope(cancelled()))
    assert refusal.value.code == "already_released"


async def test_terms_are_those_of_the_day_the_money_came(world: World) -> None:
    await world.held("order-1")
    await world.set(registry.COMMISSION_CARD, registry.Commission(basis_points=10_000, min_minor=0, max_minor=10**9))
    await world.set(registry.ESCROW_INSPECTION_DAYS, 0)
    await world.receive(envelope(delivered(on=3)))
    assert (await world.release_due(9.9))["done"] == 0
    await world.release_due(10)
    assert (await world.balances())["revenue:commission"] == 3_100


async def test_the_floor_of_the_commission_counts_in_the_minor_units_of_the_currency(world: World) -> None:
    in_yen = captured(
        currency="JPY",
        amount_minor=200,
        lines=[{"seller": "anna", "category": "books", "amount_minor": 200}],
    )
    await world.set(registry.COMMISSION_CARD, registry.Commission(basis_points=0, min_minor=1_000, max_minor=1_000))
    await world.pay(in_yen)
    await world.receive(envelope(in_yen), envelope(delivered()))
    await world.release_due(10)
    assert await world.owner.store.balance("revenue:commission", "JPY") == -10


async def test_the_same_message_twice_changes_nothing_and_another_under_its_id_is_refused(world: World) -> None:
    await world.held("order-1")
    again = envelope(cancelled(), message_id="shop-1")
    await world.receive(again, again, envelope(cancelled(), message_id="shop-2"))
    assert await world.types("order-1") == ["FundsHeld", "EscrowRefunded"]
    with pytest.raises(KeyReused):
        await world.receive(envelope(cancelled("order-2"), message_id="shop-1"))


async def test_a_message_that_had_its_effect_stays_a_duplicate_when_it_would_be_refused_by_now(world: World) -> None:
    await world.held("order-1")
    dispute = envelope(disputed(seller="anna"), message_id="shop-1")
    await world.receive(dispute, envelope(delivered(seller="bert")))
    await world.release_due(10)
    await world.receive(dispute)
    with pytest.raises(Rejected) as refusal:
        await world.receive(envelope(disputed(seller="bert")))
    assert refusal.value.code == "already_released"
    assert await world.show("order-1") == {"status": "DISPUTED", "anna": "disputed", "bert": "released"}


@pytest.mark.parametrize("message", [delivered(seller="carl"), disputed(seller="carl")])
async def test_a_seller_without_a_part_in_the_order_is_refused(world: World, message: Message) -> None:
    await world.held("order-1")
    with pytest.raises(Rejected) as refusal:
        await world.receive(envelope(message))
    assert refusal.value.code == "unknown_seller"
    assert await world.types("order-1") == ["FundsHeld"]


async def test_money_that_was_never_captured_cannot_be_held(world: World) -> None:
    with pytest.raises(Overdrawn):
        await world.receive(envelope(captured()))
    assert await world.types("order-1") == []


async def test_messages_of_many_orders_at_once_in_any_order_end_where_they_should(world: World) -> None:
    chance = random.Random(11)  # noqa: S311 - the same shuffle at every run
    expected = {
        "delivered": {"status": "PENDING_RELEASE", "anna": "pending_release", "bert": "pending_release"},
        "halved": {"status": "HELD", "anna": "pending_release", "bert": "held"},
        "cancelled": {"status": "REFUNDED", "anna": "refunded", "bert": "refunded"},
        "contested": {"status": "DISPUTED", "anna": "disputed", "bert": "pending_release"},
    }
    orders = {f"{kind}-{number}": kind for kind in expected for number in range(12)}
    inbox = []
    for order_id, kind in orders.items():
        payment = captured(order_id)
        await world.pay(payment)
        said: dict[str, list[Message]] = {
            "delivered": [delivered(order_id, 3), delivered(order_id, 4)],
            "halved": [delivered(order_id, 3, "anna")],
            "cancelled": [delivered(order_id, 3), disputed(order_id, "bert"), cancelled(order_id)],
            "contested": [delivered(order_id, 3), disputed(order_id, "anna")],
        }
        letters = [envelope(message) for message in (payment, *said[kind])]
        inbox += [*letters, *chance.choices(letters, k=2)]
    chance.shuffle(inbox)
    await asyncio.gather(*map(world.receive, inbox))

    for order_id, kind in orders.items():
        assert await world.show(order_id) == expected[kind], order_id
    await _conserved(world, captured_minor=48 * 16_000, held_minor=36 * 16_000, refunded_minor=12 * 16_000)
    await _rebuild_equals_live(world)


async def _conserved(world: World, *, captured_minor: int, held_minor: int, refunded_minor: int) -> None:
    balances = await world.balances()
    assert balances == {
        "stripe:platform": captured_minor,
        "escrow:held": held_minor,
        "refunds:payable": refunded_minor,
    }
    open_minor = await world.service.ledger.pool.fetchval(
        "select sum(gross_minor) from allocations where status in ('held', 'pending_release', 'disputed')"
    )
    assert open_minor == held_minor


async def _rebuild_equals_live(world: World) -> None:
    pool = world.service.ledger.pool
    tables = {"escrows": "escrow_id", "allocations": "allocation_id", "refunds": "refund_id"}
    live = {table: await pool.fetch(f"select * from {table} order by {key}") for table, key in tables.items()}
    await pool.execute(
        "delete from escrows; delete from allocations; delete from refunds;"
        " update checkpoints set position = 0 where name = 'escrows'"
    )
    # One event a slice: how the log was cut when it was read must not show.
    [projector] = world.service.projections
    await _one_by_one(world, projector)
    rebuilt = {table: await pool.fetch(f"select * from {table} order by {key}") for table, key in tables.items()}
    assert rebuilt == live


async def _one_by_one(world: World, projector: Projector) -> None:
    events, _ = await world.owner.feed.read(0, ["escrow"])
    projection = projector.projection
    assert isinstance(projection, EventProjection)
    async with world.service.ledger.pool.acquire() as connection, connection.transaction():
        for event in events:
            await apply(projection, connection, [event])


async def test_what_happened_is_announced_in_messages_that_others_can_read(world: World) -> None:
    await world.held("order-1", "order-2")
    await world.receive(envelope(delivered("order-1")), envelope(disputed("order-2", "anna")))
    await world.release_due(10)
    await world.receive(envelope(cancelled("order-2")))
    announcer = world.service.announcer
    assert announcer is not None
    events: list[Recorded] = (await world.owner.feed.read(0, ["escrow"])).events
    announced = [message for event in events if (message := announcer.envelope(event))]
    assert [message.type for message in announced] == [
        "escrow.held.v1",
        "escrow.held.v1",
        "escrow.delivery_confirmed.v1",
        "escrow.disputed.v1",
        "escrow.partially_released.v1",
        "escrow.released.v1",
        "escrow.refunded.v1",
    ]
    for message in announced:
        decode(message)
        assert message.source == "/holdfast/escrow"
        assert message.correlationid == message.subject


def test_the_routes_are_those_of_the_topology(world: World) -> None:
    check(world.service.routes, BINDINGS)
