"""Request checks made from the SDK's parameter types."""

from typing import Any

import pytest
import stripe.params as sdk

from libs.devstack.stripe_twin.calls import ROUTES
from libs.devstack.stripe_twin.errors import StripeRefusal
from libs.devstack.stripe_twin.params import adapter, check
from libs.devstack.stripe_twin.wire import decode_form


def _refusal(params_type: type, form: bytes) -> StripeRefusal:
    with pytest.raises(StripeRefusal) as refused:
        check(params_type, decode_form(form))
    return refused.value


def test_text_becomes_what_the_sdk_declares() -> None:
    form = b"amount=100&currency=usd&confirm=true&metadata[0]=x&expand[1]=b&expand[0]=a&return_url=http://a"
    assert check(sdk.PaymentIntentCreateParams, decode_form(form)) == {
        "amount": 100,
        "currency": "usd",
        "confirm": True,
        "metadata": {"0": "x"},
        "expand": ["a", "b"],
        "return_url": "http://a",
    }


def test_a_time_filter_is_a_number_or_bounds() -> None:
    assert check(sdk.RefundListParams, {"created": "7"}) == {"created": 7}
    assert check(sdk.RefundListParams, {"created": {"gte": "7"}}) == {"created": {"gte": 7}}


@pytest.mark.parametrize(
    ("form", "param", "code"),
    [
        (b"created=soon", "created", "parameter_invalid_integer"),
        (b"created[gte]=soon", "created[gte]", "parameter_invalid_integer"),
        (b"created[since]=7", "created[since]", "parameter_unknown"),
        (b"limit=1_0", "limit", "parameter_invalid_integer"),
        (b"limit=%2B1", "limit", "parameter_invalid_integer"),
    ],
)
def test_a_refusal_names_the_parameter_as_it_was_sent(form: bytes, param: str, code: str) -> None:
    refusal = _refusal(sdk.RefundListParams, form)
    assert (refusal.param, refusal.code) == (param, code)


def test_the_options_of_the_sdks_transport_are_no_parameters() -> None:
    form = b"amount=100&currency=usd&idempotency_key=k"
    assert _refusal(sdk.PaymentIntentCreateParams, form).code == "parameter_unknown"


def test_a_parameter_is_missing_deep_inside_the_branch_that_was_meant() -> None:
    form = b"external_account[object]=bank_account&external_account[country]=US"
    assert _refusal(sdk.AccountCreateParams, form).param == "external_account[account_number]"


def test_an_enumeration_is_closed() -> None:
    refusal = _refusal(sdk.RefundCreateParams, b"charge=ch_1&reason=because")
    assert refusal.param == "reason"
    assert "requested_by_customer" in refusal.message


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_the_twin_models_only_parameters_that_the_sdk_declares(route: Any) -> None:
    declared = set(adapter(route.params).core_schema["fields"])
    assert route.models - {"expand"} <= declared


def test_every_call_has_a_name_of_its_own() -> None:
    assert len({route.name for route in ROUTES}) == len(ROUTES)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)
