"""Whatever comes in wrong is refused with a reason, and nothing is lost or blocked by it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.events.orders import OrderLine
from libs.messaging.envelope import wrap
from libs.messaging.topology import ORDERS
from tests.e2e.laws import assert_proven
from tests.e2e.world import MONDAY, World, placed


async def _rejections(world: World, order_id: str) -> list[str]:
    """The codes of `payment.rejected` that reached the audit, in order."""
    kept: list[dict[str, Any]] = await world.get("audit", "/audit/messages", subject=order_id)
    return [m["envelope"]["data"]["code"] for m in kept if m["type"] == "payment.rejected.v1"]


async def _dead(world: World) -> list[dict[str, Any]]:
    code, out, err = await world.holdfast("dead", "list", "--json")
    assert code == 0, err
    letters: list[dict[str, Any]] = json.loads(out)
    return letters


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (placed("too-much", ("ann", 1_000_001)), "amount_too_large"),
        (placed("too-little", ("ann", 499)), "amount_too_small"),
        (placed("strange", ("ann", 5_000), currency="XYZ"), "unknown_currency"),
    ],
)
async def test_an_order_that_may_not_be_is_refused_and_announced(world: World, order: Any, code: str) -> None:
    await world.tell(order)
    assert await world.until(lambda: _rejections(world, order.order_id)) == [code]
    assert await world.payment(order.order_id) is None or (await world.payment(order.order_id))["status"] == "rejected"  # type: ignore[index]  # asked before


async def test_the_same_order_twice_is_one_order_and_a_changed_one_is_refused(world: World) -> None:
    order = placed("order-1", ("ann", 5_000))
    await world.tell(order, order, order)
    await world.pay("order-1")
    changed = order.model_copy(update={"lines": (OrderLine(seller="ann", category="toys", amount_minor=1_000),)})
    await world.tell(changed)
    assert await world.until(lambda: _rejections(world, "order-1")) == ["order_changed"]

    async def captured() -> bool:
        payment = await world.payment("order-1")
        return payment is not None and payment["status"] == "captured"

    await world.until(captured)
    payment = await world.payment("order-1")
    assert payment is not None
    assert payment["amount_minor"] == 5_000
    assert (await world.twin.summary())["counts"]["payment_intents"] == {"succeeded": 1}
    await assert_proven(world)


async def test_a_wrong_webhook_signature_gets_400(world: World) -> None:
    body = b'{"id": "evt_1", "type": "payment_intent.succeeded"}'
    for service, path in (("payment", "/webhooks/stripe"), ("payout_scheduler", "/webhooks/stripe-connect")):
        url = world.urls[service] + path
        unsigned = await world.http.post(url, content=body)
        forged = await world.http.post(url, content=body, headers={"Stripe-Signature": "t=1,v1=00"})
        assert (unsigned.status_code, forged.status_code) == (400, 400)
        assert forged.json()["code"] == "bad_signature"


async def test_a_malformed_message_waits_with_its_reason_and_lives_again_once_corrected(
    world: World, tmp_path: Path
) -> None:
    good = wrap(placed("order-9", ("ann", 5_000)), id="shop-bad", source="/shop", time=MONDAY)
    bad = replace(good, data={name: value for name, value in good.data.items() if name != "currency"})
    await world.carrier.publish([bad], ORDERS)
    [letter] = await world.until(lambda: _dead(world))
    assert (letter["queue"], letter["code"]) == ("payment.orders", "undecodable")
    assert "currency" in letter["reason"]
    await world.tell(placed("order-10", ("ann", 5_000)))
    await world.until(lambda: world.payment("order-10"))  # the queue goes on meanwhile

    corrected = tmp_path / "corrected.json"
    corrected.write_bytes(good.to_json())
    code, out, err = await world.holdfast("dead", "replay", "--id", "shop-bad", "--corrected", str(corrected))
    assert code == 0, out + err
    payment = await world.until(lambda: world.payment("order-9"))
    assert payment["amount_minor"] == 5_000
    assert await _dead(world) == []


async def test_a_message_of_an_unknown_type_is_kept_with_its_reason(world: World) -> None:
    known = wrap(placed("order-1", ("ann", 5_000)), id="shop-odd", source="/shop", time=MONDAY)
    await world.carrier.publish([replace(known, type="order.teleported.v1")], ORDERS)

    async def both() -> list[dict[str, Any]] | None:
        letters = await _dead(world)
        return letters if len(letters) == 2 else None

    letters = await world.until(both)
    assert {letter["queue"] for letter in letters} == {"payment.orders", "escrow.orders"}
    assert {letter["code"] for letter in letters} == {"unknown_message_type"}
