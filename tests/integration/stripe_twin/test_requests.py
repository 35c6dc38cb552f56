"""What the twin makes of a request that is not right."""

import asyncio
from typing import Any

import httpx
import pytest
import stripe

from libs.devstack.stripe_twin import Twin
from tests.integration.stripe_twin.desk import Desk


async def _post(twin: Twin, path: str, form: dict[str, str], key: str | None = "sk_test_twin") -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with httpx.AsyncClient() as http:
        return await http.post(f"{twin.url}{path}", data=form, headers=headers)


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ({"currency": "usd"}, "parameter_missing", "amount"),
        ({"amount": "10.5", "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ({"amount": "1000", "currency": ""}, "parameter_invalid_empty", "currency"),
        ({"amount": "1000", "currency": "usd", "colour": "red"}, "parameter_unknown", "colour"),
        ({"amount": "1000", "currency": "usd", "confirm": "maybe"}, "parameter_invalid_boolean", "confirm"),
        ({"amount": "1000", "currency": "usd", "capture_method": "later"}, None, "capture_method"),
        ({"amount": "1000", "currency": "usd", "metadata": "order"}, None, "metadata"),
        ({"amount": "1000", "currency": "usd", "metadata[order]": "x" * 501}, None, "metadata[order]"),
        ({"amount": "1000", "currency": "usd", f"metadata[{'x' * 41}]": "a"}, None, f"metadata[{'x' * 41}]"),
        (
            {"amount": "1000", "currency": "usd", "automatic_payment_methods[allow_redirects]": "never"},
            "parameter_missing",
            "automatic_payment_methods[enabled]",
        ),
    ],
)
async def test_a_parameter_that_the_sdk_does_not_declare_so_is_refused(
    twin: Twin, form: dict[str, str], code: str | None, param: str
) -> None:
    answer = await _post(twin, "/v1/payment_intents", form)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error.get("code"), error["param"]) == (code, param)


async def test_what_stripe_can_and_the_twin_cannot_is_refused_rather_than_ignored(desk: Desk) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.intent(application_fee_amount=10)
    assert (refused.value.code, refused.value.param) == ("twin_unmodelled", "application_fee_amount")
    with pytest.raises(stripe.InvalidRequestError, match="manual capture"):
        await desk.intent(capture_method="manual")


@pytest.mark.parametrize("key", [None, "nonsense", "sk_live_secret"])
async def test_only_test_keys_are_let_in(twin: Twin, key: str | None) -> None:
    answer = await _post(twin, "/v1/payment_intents", {"amount": "1000", "currency": "usd"}, key)
    assert answer.status_code == 401
    assert "secret" not in answer.text or key is None


async def test_a_wrong_key_is_an_authentication_error_to_the_sdk(twin: Twin) -> None:
    async with Desk.sdk(twin.url, "nonsense") as api:
        with pytest.raises(stripe.AuthenticationError):
            await api.v1.balance.retrieve_async()


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("payment_intents/pi_none", "intent"),
        ("charges/ch_none", "charge"),
        ("refunds/re_none", "refund"),
        ("transfers/tr_none", "transfer"),
        ("payouts/po_none", "payout"),
        ("accounts/acct_none", "account"),
        ("events/evt_none", "id"),
    ],
)
async def test_an_unknown_object_is_missing_by_name(twin: Twin, path: str, param: str) -> None:
    async with httpx.AsyncClient(headers={"authorization": "Bearer sk_test_twin"}) as http:
        answer = await http.get(f"{twin.url}/v1/{path}")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (404, "resource_missing", param)


async def test_an_address_that_the_twin_does_not_know_is_404(twin: Twin) -> None:
    answer = await _post(twin, "/v1/subscriptions", {})
    assert answer.status_code == 404
    assert "POST: /v1/subscriptions" in answer.json()["error"]["message"]


@pytest.mark.parametrize("limit", [0, 101])
async def test_a_page_has_between_one_and_a_hundred_rows(desk: Desk, limit: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.api.v1.charges.list_async({"limit": limit})
    assert refused.value.param == "limit"


async def test_an_unknown_cursor_is_refused(desk: Desk) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await desk.api.v1.charges.list_async({"starting_after": "ch_none"})
    assert refused.value.param == "starting_after"


async def test_every_answer_names_its_request_and_version(desk: Desk) -> None:
    intent = await desk.intent()
    answer: Any = intent.last_response
    assert answer.request_id.startswith("req_")
    assert answer.headers["stripe-version"] == stripe.api_version


async def test_the_sdk_works_without_asyncio_too(twin: Twin) -> None:
    api = stripe.StripeClient(
        "sk_test_twin", base_addresses={"api": twin.url}, http_client=stripe.HTTPXClient(allow_sync_methods=True)
    )
    intent = await asyncio.to_thread(api.v1.payment_intents.create, {"amount": 1_000, "currency": "usd"})
    assert intent.status == "requires_payment_method"
