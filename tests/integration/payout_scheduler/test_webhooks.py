"""What Stripe tells: twice, late, in any order, or in somebody else's name."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime

import httpx
import orjson
import pytest
import stripe

from tests.integration.payout_scheduler.desk import SECRET, Desk

PAID = ["PayoutStarted", "PayoutSubmitted", "PayoutPaid"]


async def _tell(desk: Desk, body: bytes, secret: str = SECRET) -> httpx.Response:
    moment = int(time.time())
    signature = stripe.WebhookSignature._compute_signature(f"{moment}.{body.decode()}", secret)
    return await desk.http.post(
        "/webhooks/stripe-connect", content=body, headers={"stripe-signature": f"t={moment},v1={signature}"}
    )


def _event(**changes: object) -> bytes:
    event = {
        "id": "evt_1",
        "type": "payout.paid",
        "created": 1,
        "account": "acct_1",
        "data": {"object": {"id": "po_1"}},
    }
    return json.dumps(event | changes).encode()


async def test_a_wrong_signature_is_refused(desk: Desk) -> None:
    answer = await _tell(desk, _event(), "whsec_other")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature")
    unsigned = await desk.http.post("/webhooks/stripe-connect", content=_event())
    assert (unsigned.status_code, unsigned.json()["code"]) == (400, "bad_signature")
    assert await desk.events_of("connect_webhook") == []


async def test_what_does_not_concern_us_is_answered_and_not_kept(desk: Desk) -> None:
    for body in (
        _event(type="customer.created"),
        _event(account=None),
    ):
        answer = await _tell(desk, body)
        assert (answer.status_code, answer.json()) == (200, {"kept": False})
    assert await desk.events_of("connect_webhook") == []


async def test_stripes_own_notice_of_a_balance_is_accepted_and_not_kept(desk: Desk) -> None:
    """It has neither id nor metadata; answered with an error, Stripe would send it again for days."""
    await desk.ready()
    await desk.release("A-1", "anna", 10_000, charge=await desk.charge("A-1", 10_000, instant=False))
    await desk.pass_days(3)
    [event] = [event for event in desk.twin.world.events if event.type == "balance.available" and event.account]
    body = orjson.dumps(event.render())
    assert not json.loads(body)["data"]["object"].keys() & {"id", "metadata"}
    before = await desk.events_of("connect_webhook")
    answer = await _tell(desk, body)
    assert (answer.status_code, answer.json()) == (200, {"kept": False})
    assert await desk.events_of("connect_webhook") == before


async def test_what_is_signed_and_no_event_is_refused(desk: Desk) -> None:
    assert (await _tell(desk, b'{"hello": 1}')).json()["code"] == "bad_notice"


async def test_a_notice_that_comes_again_and_again_is_kept_and_handled_once(desk: Desk) -> None:
    await desk.twin.set_webhooks(extra_copies=2)
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.payouts_due()
    await desk.pass_days(3)
    assert await desk.story() == PAID
    for event in list(desk.twin.world.events):
        await desk.twin.resend(event.id)
    await desk.work()
    assert await desk.story() == PAID
    kept = await desk.events_of("connect_webhook")
    assert kept.count("WebhookReceived") == kept.count("WebhookHandled") == len(kept) // 2
    assert (await desk.wallet())["withdrawn"] == 9_000


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_notices_in_any_order_come_to_the_same(desk: Desk, seed: int) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.deaf()
    await desk.payouts_due()
    await desk.pass_days(3)
    told = [event for event in desk.twin.world.events if event.type.startswith(("payout.", "account.", "capability."))]
    random.Random(seed).shuffle(told)  # noqa: S311 - an order, no secret
    for event in told * 2:
        await _tell(desk, orjson.dumps(event.render()))
    await desk.work()
    assert await desk.story() == PAID
    assert (await desk.seller())["status"] == "ready"
    assert await desk.work_left() == []


async def test_the_sweep_finds_what_no_webhook_told_of_any_account(desk: Desk) -> None:
    for seller in ("anna", "bert"):
        await desk.ready(seller)
        await desk.release(f"A-{seller}", seller, 10_000)
    await desk.deaf()
    await desk.payouts_due()
    await desk.pass_days(2)
    [job] = [job for job in desk.service.jobs if job.name == "sweep-events"]
    as_of = datetime.fromtimestamp(await desk.twin.now() + 1, UTC)
    found = await job.run(as_of, lambda _line: None)
    assert found["done"] > 0
    assert found["left"] == 0
    assert await job.run(as_of, lambda _line: None) == {"done": 0, "seen": found["seen"], "left": 0}
    await desk.work()
    assert await desk.story() == PAID
    assert await desk.work_left() == []


async def test_a_payout_that_somebody_else_made_on_the_account_is_none_of_ours(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    account = (await desk.seller())["account_id"]
    await desk.buyer.v1.payouts.create_async({"amount": 500, "currency": "usd"}, {"stripe_account": account})
    await desk.pass_days(3)
    assert await desk.events_of("payout") == []
    assert await desk.work_left() == []
    assert (await desk.payouts_due())["paid_minor"] == {"USD": 8_500}, "Stripe has no more"


async def test_an_object_that_cannot_be_read_now_is_read_later(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.payouts_due()
    await desk.twin.fault("payouts.retrieve", "error_503", count=9)
    await desk.pass_days(3)
    assert "handle_webhook" in await desk.work_left()
    await desk.twin.clear_faults()
    await desk.later()
    assert await desk.story() == PAID


async def test_what_stripe_says_of_persons_is_not_kept(desk: Desk) -> None:
    await desk.register()
    await desk.register(email="anna@example.com")
    await desk.onboard()
    rows = await desk.owner.pool.fetch("select data::text as data from ledger.events where type = 'WebhookReceived'")
    assert rows
    assert all(
        json.loads(row["data"])["notice"].keys() == {"notice_id", "type", "account_id", "object_id", "at"}
        for row in rows
    )
