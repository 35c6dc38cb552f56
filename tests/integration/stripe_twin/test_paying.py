"""PaymentIntents and charges, from create to succeeded, by the real SDK."""

import pytest
import stripe

from libs.devstack.stripe_twin import Twin
from tests.integration.stripe_twin.desk import Desk


async def test_a_buyer_pays_and_the_charge_carries_the_orders_group_and_metadata(desk: Desk) -> None:
    intent = await desk.intent(4_200, transfer_group="order-1", metadata={"payment": "p1"})
    assert (intent.status, intent.amount, intent.livemode) == ("requires_payment_method", 4_200, False)
    assert intent.client_secret
    assert intent.client_secret.startswith(f"{intent.id}_secret_")

    assert (await desk.twin.confirm(intent.id))["status"] == "succeeded"

    paid = await desk.api.v1.payment_intents.retrieve_async(
        intent.id, {"expand": ["latest_charge.balance_transaction", "payment_method"]}
    )
    assert isinstance(paid.latest_charge, stripe.Charge)
    assert isinstance(paid.latest_charge.balance_transaction, stripe.BalanceTransaction)
    assert isinstance(paid.payment_method, stripe.PaymentMethod)
    assert paid.amount_received == 4_200
    assert paid.latest_charge.transfer_group == "order-1"
    assert paid.latest_charge.metadata["payment"] == "p1"
    assert paid.latest_charge.balance_transaction.fee == 152  # 2.9 % of 42.00, rounded, and 0.30
    assert paid.payment_method.card
    assert paid.payment_method.card.last4 == "4242"
    assert await desk.event_types() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


async def test_the_platform_confirms_with_its_secret_key(desk: Desk) -> None:
    intent = await desk.intent(automatic_payment_methods={"enabled": True, "allow_redirects": "never"})
    paid = await desk.api.v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})
    assert paid.status == "succeeded"


async def test_create_and_confirm_in_one_call(desk: Desk) -> None:
    paid = await desk.intent(confirm=True, payment_method="pm_card_visa", return_url="https://shop.example/done")
    assert paid.status == "succeeded"


async def test_a_confirmation_that_may_redirect_needs_a_return_url(desk: Desk) -> None:
    intent = await desk.intent()
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        await desk.api.v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})


@pytest.mark.parametrize(
    ("token", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
async def test_a_declined_card_leaves_the_intent_waiting_for_another(
    desk: Desk, token: str, code: str, decline_code: str | None
) -> None:
    intent = await desk.intent()
    with pytest.raises(stripe.CardError) as refused:
        await desk.api.v1.payment_intents.confirm_async(intent.id, {"payment_method": token, "use_stripe_sdk": True})
    assert (refused.value.code, refused.value.http_status) == (code, 402)
    assert refused.value.error
    assert refused.value.error.decline_code == decline_code
    assert refused.value.error.payment_intent
    assert refused.value.error.payment_intent.id == intent.id

    after = await desk.api.v1.payment_intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})
    assert isinstance(after.latest_charge, stripe.Charge)
    assert after.status == "requires_payment_method"
    assert after.last_payment_error
    assert after.last_payment_error.code == code
    assert (after.latest_charge.status, after.latest_charge.paid) == ("failed", False)
    assert (await desk.event_types())[1:] == ["charge.failed", "payment_intent.payment_failed"]
    assert await desk.balance() == (0, 0)

    assert (await desk.twin.confirm(intent.id))["status"] == "succeeded"


async def test_a_card_given_by_number_behaves_as_documented(desk: Desk) -> None:
    method = await desk.api.v1.payment_methods.create_async(
        {"type": "card", "card": {"number": "4000000000009995", "exp_month": 12, "exp_year": 2030, "cvc": "123"}}
    )
    assert (await desk.api.v1.payment_methods.retrieve_async(method.id)).id == method.id
    intent = await desk.intent()
    after = await desk.twin.confirm(intent.id, method.id)
    assert after["last_payment_error"]["decline_code"] == "insufficient_funds"


@pytest.mark.parametrize(
    ("number", "code"), [("4242424242424241", "incorrect_number"), ("4111111111111111", "card_declined")]
)
async def test_a_number_that_is_no_test_card_is_refused(desk: Desk, number: str, code: str) -> None:
    with pytest.raises(stripe.CardError) as refused:
        await desk.api.v1.payment_methods.create_async(
            {"type": "card", "card": {"number": number, "exp_month": 12, "exp_year": 2030}}
        )
    assert refused.value.code == code


async def test_three_d_secure_waits_for_the_buyer_and_then_succeeds(desk: Desk) -> None:
    intent = await desk.intent()
    waiting = await desk.api.v1.payment_intents.confirm_async(
        intent.id, {"payment_method": "pm_card_threeDSecure2Required", "return_url": "https://shop.example/done"}
    )
    assert waiting.status == "requires_action"
    assert waiting.next_action
    assert waiting.next_action.redirect_to_url
    assert waiting.next_action.redirect_to_url.return_url == "https://shop.example/done"
    assert (await desk.twin.authenticate(intent.id))["status"] == "succeeded"
    assert "payment_intent.requires_action" in await desk.event_types()


async def test_the_documented_three_d_secure_number_asks_for_authentication(desk: Desk) -> None:
    method = await desk.api.v1.payment_methods.create_async(
        {"type": "card", "card": {"number": "4000002500003155", "exp_month": 12, "exp_year": 2030}}
    )
    intent = await desk.intent()
    assert (await desk.twin.confirm(intent.id, method.id))["status"] == "requires_action"


async def test_a_failed_authentication_charges_nothing(desk: Desk) -> None:
    intent = await desk.intent()
    await desk.twin.confirm(intent.id, "pm_card_threeDSecure2Required")
    after = await desk.twin.authenticate(intent.id, succeeds=False)
    assert after["status"] == "requires_payment_method"
    assert after["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert (await desk.event_types())[-1] == "payment_intent.payment_failed"
    assert await desk.balance() == (0, 0)


async def test_a_browser_confirms_with_publishable_key_and_client_secret(desk: Desk, twin: Twin) -> None:
    intent = await desk.intent()
    async with Desk.sdk(twin.url, "pk_test_shop") as browser:
        form = {"client_secret": intent.client_secret, "payment_method": "pm_card_visa", "use_stripe_sdk": "true"}
        answer = await browser.raw_request_async("post", f"/v1/payment_intents/{intent.id}/confirm", **form)
        assert answer.data["status"] == "succeeded"
        seen = await browser.v1.payment_intents.retrieve_async(intent.id, {"client_secret": str(intent.client_secret)})
        assert seen.status == "succeeded"


async def test_a_browser_without_the_client_secret_gets_nothing(desk: Desk, twin: Twin) -> None:
    intent = await desk.intent()
    async with Desk.sdk(twin.url, "pk_test_shop") as browser:
        with pytest.raises(stripe.PermissionError):
            await browser.v1.payment_intents.retrieve_async(intent.id)
        with pytest.raises(stripe.PermissionError):
            await browser.v1.payment_intents.retrieve_async(intent.id, {"client_secret": "guessed"})
        with pytest.raises(stripe.PermissionError):
            await browser.v1.charges.list_async()


async def test_a_canceled_intent_cannot_be_paid(desk: Desk) -> None:
    intent = await desk.intent()
    canceled = await desk.api.v1.payment_intents.cancel_async(intent.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.api.v1.payment_intents.confirm_async(
            intent.id, {"payment_method": "pm_card_visa", "use_stripe_sdk": True}
        )
    assert refused.value.code == "payment_intent_unexpected_state"
    assert (await desk.event_types())[-1] == "payment_intent.canceled"


async def test_a_paid_intent_cannot_be_paid_twice_nor_canceled(desk: Desk) -> None:
    charge = await desk.paid()
    intent_id = str(charge.payment_intent)
    with pytest.raises(stripe.InvalidRequestError) as again:
        await desk.api.v1.payment_intents.confirm_async(
            intent_id, {"payment_method": "pm_card_visa", "use_stripe_sdk": True}
        )
    assert again.value.code == "payment_intent_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError):
        await desk.api.v1.payment_intents.cancel_async(intent_id)
    assert (await desk.twin.summary())["currencies"]["usd"]["captured"] == 10_000


@pytest.mark.parametrize(
    ("amount_minor", "currency", "code", "param"),
    [
        (49, "usd", "amount_too_small", "amount"),
        (100_000_000, "usd", "amount_too_large", "amount"),
        (0, "usd", "parameter_invalid_integer", "amount"),
        (1_000, "xyz", None, "currency"),
    ],
)
async def test_amounts_and_currencies_have_stripes_limits(
    desk: Desk, amount_minor: int, currency: str, code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.intent(amount_minor, currency)
    assert (refused.value.code, refused.value.param, refused.value.http_status) == (code, param, 400)


async def test_intents_are_listed_newest_first_page_by_page(desk: Desk) -> None:
    made = [(await desk.intent(1_000 + number)).id for number in range(5)]
    first = await desk.api.v1.payment_intents.list_async({"limit": 2})
    assert ([row.id for row in first.data], first.has_more) == (made[:2:-1], True)
    assert [row.id async for row in first.auto_paging_iter()] == made[::-1]
    back = await desk.api.v1.payment_intents.list_async({"limit": 2, "ending_before": made[0]})
    assert ([row.id for row in back.data], back.has_more) == ([made[2], made[1]], True)


async def test_lists_are_filtered_by_time(desk: Desk) -> None:
    early = await desk.intent()
    await desk.twin.advance(60)
    late = await desk.intent()
    listed = desk.api.v1.payment_intents.list_async
    assert [row.id for row in (await listed({"created": {"gte": early.created + 1}})).data] == [late.id]
    assert [row.id for row in (await listed({"created": {"lt": late.created}})).data] == [early.id]
    assert [row.id for row in (await listed({"created": late.created})).data] == [late.id]


async def test_an_intent_is_found_again_by_its_metadata(desk: Desk) -> None:
    wanted = await desk.intent(metadata={"payment": "p-7"})
    await desk.intent(metadata={"payment": "p-8"})
    found = await desk.api.v1.payment_intents.search_async({"query": 'metadata["payment"]:"p-7" AND currency:"usd"'})
    assert [row.id for row in found.data] == [wanted.id]


async def test_charges_are_found_by_group_and_by_intent(desk: Desk) -> None:
    charge = await desk.paid(transfer_group="order-1")
    await desk.paid(transfer_group="order-2")
    listed = desk.api.v1.charges.list_async
    assert [row.id for row in (await listed({"transfer_group": "order-1"})).data] == [charge.id]
    assert [row.id for row in (await listed({"payment_intent": str(charge.payment_intent)})).data] == [charge.id]
    assert (await listed({"transfer_group": "order-3"})).data == []
    assert (await desk.api.v1.charges.retrieve_async(charge.id)).id == charge.id


async def test_only_what_refers_to_an_object_can_be_expanded(desk: Desk) -> None:
    charge = await desk.paid()
    listed = await desk.api.v1.charges.list_async({"expand": ["data.payment_intent", "data.balance_transaction"]})
    assert isinstance(listed.data[0].payment_intent, stripe.PaymentIntent)
    assert isinstance(listed.data[0].balance_transaction, stripe.BalanceTransaction)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        await desk.api.v1.charges.retrieve_async(charge.id, {"expand": ["currency"]})
