"""Stripe's answers, errors and notices, as our own words."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import httpx
import orjson
import pytest
import stripe

from contracts.events.orders import Buyer
from libs.devstack.stripe_twin import Twin
from libs.devstack.stripe_twin.faults import FaultKind
from libs.ledger.errors import Rejected
from libs.runtime.calls import Pace
from libs.runtime.notices import THIN
from libs.runtime.outcomes import Refused, TurnedAway, Unknown
from services.payment.domain.order import payment_id_of
from services.payment.gateway import StripeGateway, open_gateway
from services.payment.handlers import IntentCall, RefundCall
from tests.integration.payment.desk import ORDER, SECRET, Desk, now

PAYMENT_ID = payment_id_of(1, "A-1")
REFUND_ID = uuid5(PAYMENT_ID, "refund/1")
CALL = IntentCall(
    payment_id=PAYMENT_ID,
    order_id="A-1",
    currency="EUR",
    amount_minor=4_000,
    attempt=1,
    statement_suffix=None,
    correlation_id="c9",
)


def _gateway(url: str, **options: Any) -> Any:
    patience: dict[str, Any] = {"timeout_seconds": 1.0, "network_retries_max": 0, "pace": Pace(attempts_max=1)}
    key = options.pop("key", "sk_test_payment")
    return open_gateway(key, SECRET, 1, api_base=url, **(patience | options))


@pytest.fixture
async def gateway(twin: Twin) -> AsyncIterator[StripeGateway]:
    async with _gateway(twin.url) as opened:
        yield opened


def _refund(intent_id: str) -> RefundCall:
    return RefundCall(
        refund_id=REFUND_ID,
        payment_id=PAYMENT_ID,
        order_id="A-1",
        intent_id=intent_id,
        currency="EUR",
        amount_minor=1_000,
        attempt=1,
        correlation_id=None,
    )


async def test_an_intent_bears_our_names_and_its_charge_belongs_to_the_orders_group(
    twin: Twin, gateway: StripeGateway
) -> None:
    report = await gateway.create_intent(CALL)
    intent = twin.world.payment_intents.get("platform", report.intent_id)
    assert (intent.amount_minor, intent.currency, intent.transfer_group) == (4_000, "eur", "A-1")
    assert intent.metadata == {
        "payment_id": str(PAYMENT_ID), "order_id": "A-1", "book": "1", "correlation_id": "c9",
    }  # fmt: skip


async def test_a_correlation_id_too_long_for_stripe_stays_at_home(twin: Twin, gateway: StripeGateway) -> None:
    report = await gateway.create_intent(replace(CALL, correlation_id="x" * 501))
    assert "correlation_id" not in twin.world.payment_intents.get("platform", report.intent_id).metadata


async def test_one_attempt_is_one_intent_and_the_next_is_another(twin: Twin, gateway: StripeGateway) -> None:
    first, again = await gateway.create_intent(CALL), await gateway.create_intent(CALL)
    other = await gateway.create_intent(replace(CALL, attempt=2))
    assert first == again
    assert other.intent_id != first.intent_id
    assert len(twin.world.payment_intents) == 2


async def test_an_intent_is_found_by_its_payment(gateway: StripeGateway) -> None:
    assert await gateway.find_intent(PAYMENT_ID) is None
    created = await gateway.create_intent(CALL)
    assert await gateway.find_intent(PAYMENT_ID) == created
    assert await gateway.find_intent(payment_id_of(1, "A-2")) is None


async def test_a_refund_is_found_by_its_intent_and_our_id_among_many(twin: Twin, gateway: StripeGateway) -> None:
    intent = await gateway.create_intent(CALL)
    await twin.confirm(intent.intent_id)
    assert await gateway.find_refund(_refund(intent.intent_id)) is None
    made = await gateway.create_refund(_refund(intent.intent_id))
    for number in range(101):
        other = replace(_refund(intent.intent_id), refund_id=uuid5(REFUND_ID, str(number)), amount_minor=1)
        await gateway.create_refund(other)
    assert await gateway.find_refund(_refund(intent.intent_id)) == made, "on the second page"
    again = replace(_refund(intent.intent_id), attempt=2, amount_minor=1)
    assert await gateway.find_refund(again) is None, "another attempt is another refund"
    second = await gateway.create_refund(again)
    assert await gateway.find_refund(again) == second
    assert await gateway.find_refund(_refund(intent.intent_id)) == made
    assert await gateway.read_refund(made.processor_id) == made


@pytest.mark.parametrize(
    ("fault", "error", "answered"),
    [
        ("error_500", Unknown, True),
        ("error_500_after_effect", Unknown, True),
        ("error_503", Unknown, True),
        ("timeout_before_effect", Unknown, False),
        ("timeout_after_effect", Unknown, False),
        ("rate_limit_429", TurnedAway, None),
        ("lock_timeout_429", TurnedAway, None),
    ],
)
async def test_an_error_says_what_is_known_of_the_effect(
    twin: Twin, gateway: StripeGateway, fault: FaultKind, error: type[Exception], answered: bool | None
) -> None:
    await twin.fault("payment_intents.create", fault)
    with pytest.raises(error) as raised:
        await gateway.create_intent(CALL)
    assert getattr(raised.value, "answered", None) is answered


async def test_what_stripe_refuses_is_refused_with_its_code(gateway: StripeGateway) -> None:
    with pytest.raises(Refused) as raised:
        await gateway.create_intent(replace(CALL, amount_minor=1))
    assert raised.value.code == "amount_too_small"


async def test_a_key_used_for_something_else_leaves_the_outcome_unknown(gateway: StripeGateway) -> None:
    await gateway.create_intent(CALL)
    with pytest.raises(Unknown) as raised:
        await gateway.create_intent(replace(CALL, amount_minor=5_000))
    assert raised.value.answered


async def test_nobody_at_home_is_unknown_and_a_wrong_api_key_is_turned_away(twin: Twin) -> None:
    async with _gateway("http://127.0.0.1:9") as nobody:
        with pytest.raises(Unknown):
            await nobody.create_intent(CALL)
    async with _gateway(twin.url, key="sk_wrong") as stranger:
        with pytest.raises(TurnedAway):
            await stranger.create_intent(CALL)


async def test_a_lost_answer_is_asked_for_again_at_once(twin: Twin) -> None:
    await twin.fault("payment_intents.create", "timeout_after_effect")
    async with _gateway(twin.url, network_retries_max=1) as patient:
        await patient.create_intent(CALL)
    assert len(twin.world.payment_intents) == 1


def _event(**changes: Any) -> dict[str, Any]:
    thing = {"id": "pi_1", "object": "payment_intent", "metadata": {"payment_id": str(PAYMENT_ID), "book": "1"}}
    event = {"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "created": 1_790_000_000}
    return event | {"data": {"object": thing}} | changes


def _signed(body: str, secret: str = SECRET, at: int | None = None) -> str:
    header: str = stripe.WebhookSignature.generate_signature_header(body, secret, at)
    return header


async def test_a_notice_says_which_object_to_read_again(gateway: StripeGateway) -> None:
    body = json.dumps(_event())
    notice = gateway.read_notice(body.encode(), _signed(body))
    assert notice is not None
    assert (notice.notice_id, notice.object_id, notice.payment_id) == ("evt_1", "pi_1", PAYMENT_ID)
    assert notice.at.timestamp() == 1_790_000_000


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "charge.succeeded"},
        {"type": "customer.created"},
        {"data": {"object": {"id": "pi_2", "metadata": {}}}},
        {"data": {"object": {"id": "pi_2", "metadata": {"book": "1"}}}},
        {"data": {"object": {"id": "pi_2", "metadata": {"book": "2", "payment_id": str(UUID(int=1))}}}},
    ],
    ids=["another type", "a type we never heard of", "not made by us", "of no payment", "of another book"],
)
async def test_a_notice_that_is_not_for_us_is_none(gateway: StripeGateway, changes: dict[str, Any]) -> None:
    body = json.dumps(_event(**changes))
    assert gateway.read_notice(body.encode(), _signed(body)) is None


async def test_a_wrong_an_old_or_a_missing_signature_is_refused(gateway: StripeGateway) -> None:
    body = json.dumps(_event())
    for signature in (
        None,
        "",
        "t=1",
        _signed(body, "whsec_other"),
        _signed(body + " "),
        _signed(body, at=_long_ago()),
    ):
        with pytest.raises(Rejected) as refused:
            gateway.read_notice(body.encode(), signature)
        assert refused.value.code == "bad_signature"
    with pytest.raises(Rejected) as refused:
        gateway.read_notice(b"\xff", _signed(body))
    assert refused.value.code == "bad_signature"


def _long_ago() -> int:
    return int(time.time()) - 3_600


async def test_a_wrong_signature_gets_400_and_another_type_200_and_neither_is_stored(desk: Desk) -> None:
    body = json.dumps(_event())
    refused = await desk.http.post("/webhooks/stripe", content=body, headers={"stripe-signature": "t=1,v1=00"})
    assert (refused.status_code, refused.json()["code"]) == (httpx.codes.BAD_REQUEST, "bad_signature")
    other = json.dumps(_event(type="customer.created"))
    passed = await desk.http.post("/webhooks/stripe", content=other, headers={"stripe-signature": _signed(other)})
    assert (passed.status_code, passed.json()) == (httpx.codes.OK, {"kept": False})
    assert await desk.ledger.feed.head() == 0


async def test_stripes_own_notice_of_a_balance_is_accepted_and_not_stored(desk: Desk) -> None:
    """It has neither id nor metadata; answered with an error, Stripe would send it again for days."""
    await desk.place_and_pay()
    await desk.twin.advance(3 * 86_400)
    [event] = [event for event in desk.twin.world.events if event.type == "balance.available"]
    body = orjson.dumps(event.render()).decode()
    assert not json.loads(body)["data"]["object"].keys() & {"id", "metadata"}
    before = await desk.ledger.feed.head()
    answer = await desk.http.post("/webhooks/stripe", content=body, headers={"stripe-signature": _signed(body)})
    assert (answer.status_code, answer.json()) == (httpx.codes.OK, {"kept": False})
    assert await desk.ledger.feed.head() == before


async def test_what_is_signed_and_no_event_is_refused(desk: Desk) -> None:
    answer = await desk.http.post("/webhooks/stripe", content="[]", headers={"stripe-signature": _signed("[]")})
    assert (answer.status_code, answer.json()["code"]) == (httpx.codes.UNPROCESSABLE_ENTITY, "bad_notice")


async def test_the_statement_shows_the_words_of_the_call_and_any_method_is_offered(
    twin: Twin, gateway: StripeGateway
) -> None:
    for attempt, suffix in enumerate((None, "SHOP 24"), 1):
        report = await gateway.create_intent(replace(CALL, attempt=attempt, statement_suffix=suffix))
        intent = twin.world.payment_intents.get("platform", report.intent_id)
        assert (intent.statement_descriptor_suffix, intent.allow_redirects) == (suffix, "always")


async def test_an_amount_without_decimals_is_padded_where_stripe_wants_it_and_comes_back_as_ours(
    twin: Twin, gateway: StripeGateway
) -> None:
    intent_id = (await gateway.create_intent(replace(CALL, currency="UGX", amount_minor=50_000))).intent_id
    assert twin.world.payment_intents.get("platform", intent_id).amount_minor == 5_000_000
    await twin.confirm(intent_id)
    report = await gateway.read_intent(intent_id)
    assert report.captured is not None
    assert report.captured.amount_minor == 50_000
    await gateway.create_refund(replace(_refund(intent_id), currency="UGX", amount_minor=20_000))
    [refund] = twin.world.refunds
    assert refund.amount_minor == 2_000_000


@pytest.mark.parametrize("fault", ["rate_limit_429", "lock_timeout_429"])
async def test_what_is_turned_away_for_being_too_much_is_asked_again_at_once(twin: Twin, fault: FaultKind) -> None:
    async with _gateway(twin.url, pace=Pace()) as patient:
        await twin.fault("payment_intents.create", fault, count=2)
        await patient.create_intent(CALL)
    assert len(twin.world.payment_intents) == 1


async def test_secrets_rotate_without_a_notice_lost(twin: Twin) -> None:
    async with open_gateway("sk_test_payment", f"{SECRET},whsec_next", 1, api_base=twin.url) as rotating:
        for secret in (SECRET, "whsec_next"):
            body = json.dumps(_event())
            assert rotating.read_notice(body.encode(), _signed(body, secret)) is not None


async def test_a_thin_notice_is_refused_and_says_what_to_set(desk: Desk) -> None:
    body = json.dumps({"id": "evt_9", "object": THIN, "type": "v1.payment_intent.succeeded", "created": "2026-11-02"})
    refused = await desk.http.post("/webhooks/stripe", content=body, headers={"stripe-signature": _signed(body)})
    assert (refused.status_code, refused.json()["code"]) == (httpx.codes.UNPROCESSABLE_ENTITY, "thin_notice")


async def test_the_log_of_events_has_what_the_webhooks_told_page_by_page(desk: Desk) -> None:
    for number in range(51):  # two notices each: more than a page
        await desk.place(
            ORDER.model_copy(update={"order_id": f"A-{number}", "buyer": Buyer(id=f"b{number}", country="DE")})
        )
    await desk.work()
    for number in range(51):
        intent_id = await desk.intent_id(f"A-{number}")
        await desk.twin.confirm(intent_id, "pm_card_chargeDeclined")
        await desk.twin.confirm(intent_id)
    await desk.work()
    until = now() + timedelta(seconds=5)
    listed = [notice async for notice in desk.gateway.notices(until - timedelta(days=3), until)]
    rows = await desk.ledger.pool.fetch(
        "select data->>'notice_id' as id from ledger.events where type = 'WebhookReceived'"
    )
    assert {notice.notice_id for notice in listed} == {row["id"] for row in rows}
    assert len(listed) == len(rows) == 102
    assert [notice async for notice in desk.gateway.notices(until - timedelta(days=9), until - timedelta(days=3))] == []
