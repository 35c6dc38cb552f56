"""Faults on demand: each kind leaves exactly the traces that it says."""

import pytest
import stripe

from libs.devstack.stripe_twin import Twin, TwinControlError
from tests.integration.stripe_twin.desk import Desk


async def _create(desk: Desk) -> stripe.PaymentIntent:
    return await desk.api.v1.payment_intents.create_async(
        {"amount": 1_000, "currency": "usd"}, {"idempotency_key": "pi:1"}
    )


async def _made(desk: Desk) -> int:
    return len((await desk.api.v1.payment_intents.list_async()).data)


async def test_a_500_is_remembered_under_its_key_although_nothing_happened(desk: Desk) -> None:
    await desk.twin.fault("payment_intents.create", "error_500")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            await _create(desk)
        assert failed.value.http_status == 500
    assert await _made(desk) == 0


async def test_a_500_after_the_effect_hides_an_object_that_exists(desk: Desk) -> None:
    await desk.twin.fault("payment_intents.create", "error_500_after_effect")
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await _create(desk)
    assert await _made(desk) == 1


@pytest.mark.parametrize(
    ("kind", "raised", "status"),
    [
        ("rate_limit_429", stripe.RateLimitError, 429),
        ("lock_timeout_429", stripe.RateLimitError, 429),
        ("error_503", stripe.APIError, 503),
    ],
)
async def test_a_call_turned_away_may_be_repeated_under_its_key(
    desk: Desk, kind: str, raised: type[stripe.StripeError], status: int
) -> None:
    await desk.twin.fault("payment_intents.create", kind, count=2)  # type: ignore[arg-type]  # parametrized text
    for _ in range(2):
        with pytest.raises(raised) as refused:
            await _create(desk)
        assert refused.value.http_status == status
    assert await _made(desk) == 0
    await _create(desk)
    assert await _made(desk) == 1


@pytest.mark.parametrize(("kind", "made"), [("timeout_before_effect", 0), ("timeout_after_effect", 1)])
async def test_a_lost_answer_says_nothing_about_the_effect_and_the_key_settles_it(
    twin: Twin, kind: str, made: int
) -> None:
    http = stripe.HTTPXClient(timeout=0.3)
    api = stripe.StripeClient("sk_test_twin", base_addresses={"api": twin.url}, http_client=http)
    desk = Desk(twin, api)
    await twin.fault("payment_intents.create", kind)  # type: ignore[arg-type]  # parametrized text
    with pytest.raises(stripe.APIConnectionError):
        await _create(desk)
    assert await _made(desk) == made
    await _create(desk)
    assert await _made(desk) == 1
    await http.close_async()  # type: ignore[no-untyped-call]  # the SDK left it without annotations


async def test_a_fault_strikes_its_own_call_as_often_as_asked(desk: Desk) -> None:
    await desk.twin.fault("refunds.create", "error_503")
    charge = await desk.paid()
    with pytest.raises(stripe.APIError):
        await desk.api.v1.refunds.create_async({"charge": charge.id, "amount": 100})
    await desk.api.v1.refunds.create_async({"charge": charge.id, "amount": 100})


async def test_a_fault_may_strike_any_call_and_be_called_off(desk: Desk) -> None:
    await desk.twin.fault("*", "rate_limit_429", count=5)
    with pytest.raises(stripe.RateLimitError):
        await desk.api.v1.balance.retrieve_async()
    await desk.twin.clear_faults()
    await desk.api.v1.balance.retrieve_async()


async def test_an_unknown_fault_is_refused_with_the_known_ones(desk: Desk) -> None:
    with pytest.raises(TwinControlError, match="error_500"):
        await desk.twin.fault("*", "earthquake")  # type: ignore[arg-type]  # the point of the test
