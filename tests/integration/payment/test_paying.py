"""A buyer pays, or does not, at a real twin of Stripe."""

from __future__ import annotations

import asyncio

import pytest

from contracts.events.orders import OrderLine
from libs.devstack.stripe_twin.config import Endpoint
from services.payment.domain import events as e
from tests.integration.payment.desk import ORDER, SECRET, Desk

CREATED = ["PaymentRequested", "IntentCreated"]


async def test_a_paid_order_is_captured_once_and_the_ledger_has_what_stripe_has(desk: Desk) -> None:
    await desk.place_and_pay()
    assert await desk.story() == [*CREATED, "PaymentCaptured"]
    [*_, captured] = await desk.events()
    assert isinstance(captured, e.PaymentCaptured)
    charge = desk.twin.world.charges.get("platform", captured.charge)
    assert captured.at.timestamp() == charge.created
    assert await desk.balance("stripe:platform") == charge.amount_minor == 4_000
    assert await desk.balance("funds:unallocated") == -4_000
    assert await desk.work_left() == []


async def test_the_client_secret_pays_the_payment_and_is_gone_when_it_is_paid(desk: Desk) -> None:
    await desk.place()
    assert (await desk.http.get("/payments")).json() == {"items": [], "next": None}, "nothing was projected yet"
    await desk.work()
    shown = await desk.shown()
    intent = desk.twin.world.payment_intents.get("platform", shown["intent_id"])
    assert shown["client_secret"] == intent.client_secret
    assert (shown["status"], shown["amount_minor"], shown["order_id"]) == ("requested", 4_000, "A-1")
    await desk.twin.confirm(intent.id)
    assert (await desk.shown())["client_secret"] is None, "before we have heard of it"
    await desk.work()
    shown = await desk.shown()
    assert (shown["status"], shown["client_secret"]) == ("captured", None)
    secrets = await desk.ledger.pool.fetchval("select count(*) from ledger.events where data::text like '%secret%'")
    assert secrets == 0


async def test_a_declined_card_fails_and_another_one_pays(desk: Desk) -> None:
    await desk.place_and_pay("pm_card_chargeDeclinedInsufficientFunds")
    assert (await desk.shown())["last_failure_code"] == "insufficient_funds"
    assert (await desk.shown())["client_secret"] is not None
    await desk.twin.confirm(await desk.intent_id(), "pm_card_chargeDeclined")
    await desk.work()
    assert (await desk.shown())["last_failure_code"] == "card_declined"
    await desk.twin.confirm(await desk.intent_id())
    await desk.work()
    assert await desk.story() == [*CREATED, "PaymentFailed", "PaymentFailed", "PaymentCaptured"]


async def test_3d_secure_waits_for_the_buyer_and_then_captures(desk: Desk) -> None:
    await desk.place_and_pay("pm_card_authenticationRequired")
    assert (await desk.shown())["status"] == "requires_action"
    await desk.twin.authenticate(await desk.intent_id())
    await desk.work()
    assert await desk.story() == [*CREATED, "PaymentPending", "PaymentCaptured"]


async def test_a_failed_authentication_is_a_failed_trial_though_there_is_no_charge(desk: Desk) -> None:
    await desk.place_and_pay("pm_card_authenticationRequired")
    await desk.twin.authenticate(await desk.intent_id(), succeeds=False)
    await desk.work()
    assert await desk.story() == [*CREATED, "PaymentPending", "PaymentFailed"]
    assert (await desk.shown())["last_failure_code"] == "payment_intent_authentication_failure"


async def test_what_stripe_refuses_is_rejected(desk: Desk) -> None:
    await desk.place(ORDER.model_copy(update={"currency": "CNY"}))  # which this account of the twin's cannot charge
    await desk.work()
    assert await desk.story() == ["PaymentRequested", "IntentRefused"]
    shown = await desk.shown()
    assert (shown["status"], shown["client_secret"]) == ("rejected", None)
    assert await desk.work_left() == []


async def test_webhooks_that_come_three_times_are_one(desk: Desk) -> None:
    await desk.twin.set_webhooks(extra_copies=2)
    await desk.place_and_pay()
    assert desk.twin.courier.delivered == 3
    assert await desk.story() == [*CREATED, "PaymentCaptured"]
    kept = await desk.ledger.pool.fetch(
        "select type, count(*) from ledger.events where stream like 'webhook-%' group by type order by type"
    )
    assert [tuple(row) for row in kept] == [("WebhookHandled", 1), ("WebhookReceived", 1)]


async def test_webhooks_out_of_order_end_where_the_intent_is(desk: Desk) -> None:
    await desk.place()
    await desk.work()
    endpoint = Endpoint(f"{desk.url}/webhooks/stripe", SECRET)
    await desk.twin.set_webhooks(platform=Endpoint("http://127.0.0.1:9/nowhere", SECRET, ("nothing",)))
    for card in ("pm_card_chargeDeclined", "pm_card_visa"):
        await desk.twin.confirm(await desk.intent_id(), card)
    await desk.twin.set_webhooks(platform=endpoint)
    for event in reversed(list(desk.twin.world.events)):
        await desk.twin.resend(event.id)
        await desk.work()
    assert await desk.story() == [*CREATED, "PaymentCaptured"], "the decline is told when it is history"
    assert await desk.work_left() == []


async def test_the_same_notice_worked_on_twice_at_once_is_handled_once(desk: Desk) -> None:
    await desk.place()
    await desk.work()
    await desk.twin.confirm(await desk.intent_id())
    await desk.twin.webhooks_idle()
    await desk.projector.catch_up()
    first, second = desk.worker(), desk.worker()
    await desk.ledger.pool.execute("insert into work select id || ' again', kind, subject, data, due_at from work")
    await asyncio.gather(*(worker.drain(ORDER.placed_at.replace(year=2100)) for worker in (first, second)))
    assert await desk.story() == [*CREATED, "PaymentCaptured"]


async def test_a_changed_duplicate_is_refused_and_shown_as_it_was(desk: Desk) -> None:
    await desk.place()
    await desk.place()
    await desk.place(ORDER.model_copy(update={"lines": (_line(9_999),)}))
    await desk.work()
    assert await desk.story() == ["PaymentRequested", "OrderRejected", "IntentCreated"]
    shown = await desk.shown()
    assert (shown["amount_minor"], shown["status"]) == (4_000, "requested")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"currency": "XXX"}, "unknown_currency"),
        ({"rail": "chain"}, "rail_unavailable"),
        (
            {"currency": "KWD", "lines": (OrderLine(seller="s1", category="c", amount_minor=5_001),)},
            "amount_not_chargeable",
        ),
        ({"lines": (OrderLine(seller="s1", category="c", amount_minor=499),)}, "amount_too_small"),
        ({"lines": (OrderLine(seller="s1", category="c", amount_minor=1_000_001),)}, "amount_too_large"),
    ],
)
async def test_an_order_that_cannot_be_taken_is_shown_as_rejected_until_it_comes_corrected(
    desk: Desk, changes: dict[str, object], code: str
) -> None:
    await desk.place(ORDER.model_copy(update=changes))
    await desk.work()
    shown = await desk.shown()
    assert (shown["status"], shown["last_failure_code"]) == ("rejected", code)
    await desk.place()
    await desk.work()
    shown = await desk.shown()
    assert (shown["status"], shown["last_failure_code"], shown["amount_minor"]) == ("requested", None, 4_000)


def _line(amount_minor: int) -> OrderLine:
    return OrderLine(seller="s1", category="books", amount_minor=amount_minor)
