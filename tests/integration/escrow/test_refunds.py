"""Releases and refunds by hand, over HTTP and back through messages, on a real ledger."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from contracts.events.base import Message
from libs.ledger.errors import Conflict
from libs.messaging.envelope import decode
from libs.settings import registry
from services.escrow.domain.allocation import escrow_id_of
from tests.integration.escrow.world import World, disputed, envelope, reversed_, warned

ESCROW_ID = escrow_id_of(1, "order-1")


async def ask(client: httpx.AsyncClient, what: str, key: str | None = None, **body: Any) -> httpx.Response:
    return await client.post(
        f"/escrows/{ESCROW_ID}/{what}",
        json={"reason": "as agreed"} | body,
        headers={"idempotency-key": key or str(uuid4())},
    )


async def shown(world: World, client: httpx.AsyncClient) -> dict[str, Any]:
    await world.catch_up()
    found: dict[str, Any] = (await client.get(f"/escrows/{ESCROW_ID}")).json()
    return found


async def announced(world: World) -> list[Message]:
    announcer = world.service.announcer
    assert announcer is not None
    events = (await world.owner.feed.read(0, ["escrow"])).events
    return [decode(message) for event in events if (message := announcer.envelope(event))]


async def test_a_part_is_released_by_hand_once_and_the_rest_refunded(world: World, client: httpx.AsyncClient) -> None:
    await world.held("order-1")
    first = await ask(client, "releases", "key-1", seller="bert", amount_minor=1_000)
    assert first.status_code == 201, first.text
    again = await ask(client, "releases", "key-1", seller="bert", amount_minor=1_000)
    assert (again.status_code, again.json()) == (201, first.json())
    [released] = first.json()
    assert (released["gross_minor"], released["commission_minor"], released["net_minor"]) == (1_000, 200, 800)
    [refunded] = (await ask(client, "refunds", seller="bert", amount_minor=2_000)).json()
    assert (refunded["amount_minor"], refunded["commission_minor"], refunded["after_release"]) == (2_000, 400, False)

    found = await shown(world, client)
    bert = found["allocations"][1]
    assert (bert["status"], bert["held_minor"], bert["released_minor"], bert["refunded_minor"]) == (
        "released",
        0,
        1_000,
        2_000,
    )
    assert found["status"] == "PARTIALLY_RELEASED"
    assert [(each["amount_minor"], each["status"]) for each in found["refunds"]] == [(2_000, "payable")]
    assert await world.balances() == {
        "stripe:platform": 16_000,
        "escrow:held": 13_000,
        "seller:bert:available": 800,
        "revenue:commission": 200,
        "refunds:payable": 2_000,
    }
    assert [message.type for message in await announced(world)] == [
        "escrow.held.v1",
        "escrow.partially_released.v1",
        "escrow.allocation_refunded.v1",
    ]


async def test_a_key_used_for_something_else_is_refused(world: World, client: httpx.AsyncClient) -> None:
    await world.held("order-1")
    await ask(client, "releases", "key-1", seller="bert", amount_minor=1_000)
    for what, amount_minor in (("releases", 999), ("refunds", 1_000)):
        other = await ask(client, what, "key-1", seller="bert", amount_minor=amount_minor)
        assert (other.status_code, other.json()["code"]) == (422, "key_reused")


async def test_released_money_is_refunded_when_the_transfer_is_back(world: World, client: httpx.AsyncClient) -> None:
    await world.held("order-1")
    await ask(client, "releases", seller="bert")
    await world.post(("seller:bert:available", "payouts:in_transit", 2_000))  # a payout took most of it
    [refunded] = (await ask(client, "refunds", "key-1", seller="bert")).json()
    assert (refunded["amount_minor"], refunded["after_release"]) == (3_000, True)
    assert (await world.balances())["receivable:seller:bert"] == 2_000
    found = await shown(world, client)
    assert [each["status"] for each in found["refunds"]] == ["waiting"]
    [clawback] = found["clawbacks"]
    assert (clawback["balance_minor"], clawback["receivable_minor"], clawback["commission_minor"]) == (400, 2_000, 600)
    assert (await announced(world))[-1].type == "escrow.clawed_back.v1"
    assert (await ask(client, "refunds", seller="bert")).json()["code"] == "refund_waiting"

    back = envelope(reversed_(UUID(clawback["clawback_id"]), 300, 100))
    await world.receive(back, back, envelope(reversed_(UUID(clawback["clawback_id"]), 300, 100)))
    found = await shown(world, client)
    assert [each["status"] for each in found["refunds"]] == ["payable"]
    assert (found["clawbacks"][0]["reversed_minor"], found["clawbacks"][0]["short_minor"]) == (300, 100)
    *_, last = await announced(world)
    assert (last.type, last.model_dump()["refund_id"]) == ("escrow.allocation_refunded.v1", UUID(refunded["refund_id"]))
    assert (await world.types("order-1")).count("ClawbackSettled") == 1
    assert (await ask(client, "refunds", "key-1", seller="bert")).json() == [refunded]


async def test_a_payout_that_claims_the_money_meanwhile_makes_the_refund_look_again(
    world: World, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.held("order-1")
    await ask(client, "releases", seller="bert")
    store = world.service.ledger.store
    really = store.balance
    claimed = iter([1_000, 400])

    async def balance(account: str, currency: str) -> int:
        """Between the look and the append a payout starts."""
        seen = await really(account, currency)
        if account == "seller:bert:available" and (amount_minor := next(claimed, 0)):
            await world.post((account, "payouts:in_transit", amount_minor))
        return seen

    monkeypatch.setattr(type(store), "balance", lambda _, account, currency: balance(account, currency))
    [refunded] = (await ask(client, "refunds", seller="bert")).json()
    assert refunded["amount_minor"] == 3_000
    monkeypatch.undo()
    balances = await world.balances()
    assert balances["receivable:seller:bert"] == 1_400
    assert "seller:bert:available" not in balances


async def test_many_refunds_at_once_never_give_back_more_than_there_was(
    world: World, client: httpx.AsyncClient
) -> None:
    await world.held("order-1")
    await ask(client, "releases", seller="bert", amount_minor=1_500)

    async def one() -> int:
        try:
            return (await ask(client, "refunds", seller="bert", amount_minor=400)).status_code
        except Conflict:
            return 409

    codes = await asyncio.gather(*(one() for _ in range(12)))
    assert set(codes) <= {201, 409, 422}
    done = codes.count(201)
    assert 0 < done <= 7
    assert (await world.balances())["refunds:payable"] == done * 400


async def test_refusals_have_stable_codes(world: World, client: httpx.AsyncClient) -> None:
    missing = await ask(client, "refunds")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_escrow")
    await world.held("order-1")
    too_much = (await ask(client, "refunds", seller="bert", amount_minor=3_001)).json()
    assert (too_much["code"], too_much["left_minor"]) == ("too_much", 3_000)
    assert (await ask(client, "releases", amount_minor=5)).json()["code"] == "seller_needed"
    assert (await ask(client, "refunds", amount_minor=0, seller="bert")).status_code == 422
    await ask(client, "releases", seller="bert")
    await world.set(registry.REFUND_WINDOW_DAYS, 0)
    await world.receive(envelope(disputed(seller="anna")))
    assert (await ask(client, "releases", seller="anna")).json()["code"] == "disputed"
    assert (await ask(client, "refunds", seller="anna", amount_minor=1)).status_code == 201


async def test_what_was_typed_is_sealed_and_shown_to_people_only(world: World, client: httpx.AsyncClient) -> None:
    await world.held("order-1")
    await ask(client, "refunds", seller="bert", reason="Ms Smith is ill", actor="ada")
    said = (await client.get(f"/escrows/{ESCROW_ID}/texts")).json()
    assert [(each["by"], each["text"]) for each in said] == [("ada", "Ms Smith is ill")]
    stored = await world.owner.pool.fetch("select data, reason from ledger.events")
    assert not any("Smith" in f"{row['data']} {row['reason']}" for row in stored)


async def test_a_warning_of_fraud_freezes_until_somebody_lifts_it(world: World, client: httpx.AsyncClient) -> None:
    await world.receive(envelope(warned()))
    await world.held("order-1")
    found = await shown(world, client)
    assert (found["status"], [part["frozen"] for part in found["allocations"]]) == ("HELD", [True, True])
    assert (await world.release_due(40))["done"] == 0
    assert (await ask(client, "releases")).json()["code"] == "frozen"
    lifted = await ask(client, "unfreeze", cause_id="issfr_1")
    assert (lifted.status_code, lifted.json()["sellers"]) == (201, ["anna", "bert"])
    await world.receive(envelope(warned()))
    [freeze] = (await shown(world, client))["freezes"]
    assert (freeze["cause"], freeze["outcome"]) == ("fraud_warning", "cleared")
    assert (await world.release_due(40))["released"] == 2


async def test_a_warning_is_passed_over_where_the_settings_say_so(world: World, client: httpx.AsyncClient) -> None:
    await world.set(registry.RISK_FRAUD_WARNING, "ignore")
    await world.held("order-1")
    await world.receive(envelope(warned()))
    assert (await shown(world, client))["freezes"] == []
