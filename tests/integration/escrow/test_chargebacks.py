"""Chargebacks, from the messages of the payment service to the ledger and the read model."""

from __future__ import annotations

import random
from typing import Any

import httpx
import pytest

from libs.eventstore.projector import EventProjection
from libs.ledger.errors import Rejected
from libs.settings import registry
from tests.integration.escrow.test_refunds import announced, ask, shown
from tests.integration.escrow.world import World, cancelled, charged_back, closed, delivered, envelope
from tests.integration.eventstore.applying import apply

OPENED = ("receivable:chargebacks", "stripe:platform", 16_000)
"""What the payment service posts when it hears of one."""


async def test_a_chargeback_that_is_won_leaves_everything_as_it_was(world: World, client: httpx.AsyncClient) -> None:
    await world.held("order-1")
    await ask(client, "releases", seller="bert")
    before = await world.balances()
    await world.receive(envelope(charged_back()))
    balances = await world.balances()
    assert (balances["seller:bert:reserved"], "seller:bert:available" in balances) == (2_400, False)
    found = await shown(world, client)
    assert (found["status"], [part["status"] for part in found["allocations"]]) == ("DISPUTED", ["disputed"] * 2)
    for what in ("releases", "refunds"):
        assert (await ask(client, what, seller="anna")).json()["code"] == "charged_back"
    with pytest.raises(Rejected) as refusal:
        await world.receive(envelope(cancelled()))
    assert refusal.value.code == "charged_back"
    await world.receive(envelope(delivered()))
    assert (await world.release_due(60))["done"] == 0
    await world.receive(envelope(closed("won")))
    assert await world.balances() == before
    assert (await world.release_due(60))["released"] == 1
    assert (await shown(world, client))["status"] == "RELEASED"


async def test_a_lost_chargeback_is_covered_by_what_is_held_and_what_was_released(
    world: World, client: httpx.AsyncClient
) -> None:
    await world.held("order-1")
    await ask(client, "releases", seller="bert")
    await world.post(OPENED, ("seller:bert:available", "payouts:in_transit", 2_000))
    await world.receive(envelope(charged_back()), envelope(closed("lost", to_cover_minor=16_000)))
    assert await world.balances() == {"payouts:in_transit": 2_000, "receivable:seller:bert": 2_000}
    found = await shown(world, client)
    assert found["status"] == "REFUNDED"
    assert [part["status"] for part in found["allocations"]] == ["refunded"] * 2
    [clawback] = found["clawbacks"]
    assert (clawback["cause"], clawback["balance_minor"], clawback["receivable_minor"]) == ("chargeback", 400, 2_000)
    assert [(each["cause"], each["outcome"]) for each in found["freezes"]] == [("chargeback", "lost")]
    assert [message.type for message in await announced(world)] == [
        "escrow.held.v1",
        "escrow.partially_released.v1",
        "escrow.frozen.v1",
        "escrow.chargeback_covered.v1",
        "escrow.chargeback_covered.v1",
        "escrow.clawed_back.v1",
        "escrow.unfrozen.v1",
    ]


async def test_where_the_marketplace_bears_it_the_sellers_go_on(world: World) -> None:
    await world.set(registry.CHARGEBACK_BORNE_BY, "platform")
    await world.held("order-1")
    await world.post(OPENED)
    await world.receive(envelope(charged_back()), envelope(closed("lost", to_cover_minor=16_000)))
    assert await world.balances() == {"escrow:held": 16_000, "expense:chargebacks": 16_000}
    assert (await world.show("order-1"))["status"] == "HELD"


async def test_messages_of_the_bank_in_any_order_and_twice_end_where_they_should(world: World) -> None:
    chance = random.Random(5)  # noqa: S311 - the same shuffle at every run
    orders = [f"order-{number}" for number in range(8)]
    lost = set(orders[:4])
    for order_id in orders:
        await world.held(order_id)
        await world.post(OPENED)
        end = closed("lost", order_id, 16_000) if order_id in lost else closed("won", order_id)
        letters = [envelope(charged_back(order_id, stage="inquiry")), envelope(charged_back(order_id)), envelope(end)]
        inbox = [*letters, *letters, envelope(end), envelope(charged_back(order_id))]
        chance.shuffle(inbox)
        await world.receive(*inbox)
    for order_id in orders:
        assert (await world.show(order_id))["status"] == ("REFUNDED" if order_id in lost else "HELD"), order_id
    balances = await world.balances()
    assert balances["escrow:held"] == 4 * 16_000
    assert balances["receivable:chargebacks"] == 4 * 16_000, "the payment service books what was won"


async def test_the_read_model_is_the_same_however_the_log_is_cut(world: World, client: httpx.AsyncClient) -> None:
    await world.held("order-1")
    await ask(client, "releases", seller="bert", amount_minor=1_000)
    await ask(client, "releases", seller="bert", amount_minor=500)
    await ask(client, "refunds", seller="bert", amount_minor=1_700)
    await world.post(OPENED)
    await world.receive(envelope(charged_back(stage="inquiry")), envelope(closed("withdrawn")))
    await world.receive(envelope(charged_back()), envelope(closed("lost", to_cover_minor=4_000)))
    await ask(client, "releases")
    [projector] = world.service.projections
    projection = projector.projection
    assert isinstance(projection, EventProjection)
    await world.catch_up()
    at_once = await _rows(world, projection)
    pool = world.service.ledger.pool
    await pool.execute("".join(f"delete from {table};" for table in projection.tables))
    async with pool.acquire() as connection, connection.transaction():
        for event in (await world.owner.feed.read(0, ["escrow"])).events:
            await apply(projection, connection, [event])
    assert await _rows(world, projection) == at_once
    assert {table for table, rows in at_once.items() if not rows} == set()


async def _rows(world: World, projection: EventProjection) -> dict[str, Any]:
    pool = world.service.ledger.pool
    return {table: await pool.fetch(f"select * from {table} t order by t::text") for table in projection.tables}
