from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from services.escrow.domain.allocation import allocation_id_of, escrow_id_of
from tests.integration.escrow.world import World, cancelled, delivered, envelope


async def test_an_escrow_is_shown_with_its_allocations_and_timers(world: World, client: httpx.AsyncClient) -> None:
    await world.held("order-1")
    await world.receive(envelope(delivered(seller="anna")))
    await world.catch_up()
    escrow_id = escrow_id_of(1, "order-1")
    shown = (await client.get(f"/escrows/{escrow_id}")).json()
    anna, bert = shown.pop("allocations")
    assert shown == {
        "escrow_id": str(escrow_id),
        "payment_id": "00000000-0000-0000-0000-000000000007",
        "order_id": "order-1",
        "currency": "USD",
        "amount_minor": 16_000,
        "status": "HELD",
        "held_at": "2026-11-02T12:00:00Z",
        "deliver_by": "2026-12-02T12:00:00Z",
        "hold_until_max": "2027-01-31T12:00:00Z",
        "refunds": [],
        "clawbacks": [],
        "freezes": [],
    }
    assert anna == {
        "allocation_id": str(allocation_id_of(escrow_id, "anna")),
        "seller": "anna",
        "status": "pending_release",
        "frozen": False,
        "gross_minor": 13_000,
        "commission_minor": 2_500,
        "net_minor": 10_500,
        "held_minor": 13_000,
        "released_minor": 0,
        "refunded_minor": 0,
        "clawed_back_minor": 0,
        "release_at": "2026-11-12T12:00:00Z",
        "settled_at": None,
    }
    assert (bert["status"], bert["release_at"]) == ("held", None)


async def test_escrows_are_found_by_order_status_and_seller(world: World, client: httpx.AsyncClient) -> None:
    await world.held("order-1", "order-2", "order-3")
    await world.receive(envelope(cancelled("order-2")))
    await world.catch_up()
    assert await _orders(client, order_id="order-3") == ["order-3"]
    assert await _orders(client, status="HELD") == ["order-3", "order-1"]
    assert await _orders(client, status="REFUNDED", seller="bert") == ["order-2"]
    assert await _orders(client, seller="carl") == []


async def test_pages_show_each_escrow_once_newest_first(world: World, client: httpx.AsyncClient) -> None:
    order_ids = [f"order-{number}" for number in range(5)]
    await world.held(*order_ids)
    await world.catch_up()
    seen: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = (await client.get("/escrows", params={"limit": 2} | after)).json()
        seen += [item["order_id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
        await world.held(f"new-{len(seen)}")  # what comes meanwhile moves nothing
        await world.catch_up()
    assert seen == order_ids[::-1]


async def test_an_unknown_escrow_is_not_found_and_a_wrong_filter_is_refused(client: httpx.AsyncClient) -> None:
    missing = await client.get(f"/escrows/{uuid4()}")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_escrow")
    for query in ({"status": "GONE"}, {"limit": 0}, {"limit": 1_000}, {"after": 0}):
        assert (await client.get("/escrows", params=query)).status_code == 422


async def _orders(client: httpx.AsyncClient, **query: str) -> list[str]:
    return [item["order_id"] for item in (await client.get("/escrows", params=query)).json()["items"]]
