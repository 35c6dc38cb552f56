"""Too much at once: of one operation, of all together, or of one object."""

import asyncio

import pytest
import stripe

from libs.devstack.stripe_twin import Twin, TwinConfig, running_twin
from tests.integration.stripe_twin.desk import Desk


async def _refused(calls: list[asyncio.Task[stripe.Refund]]) -> list[stripe.RateLimitError]:
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(outcome, stripe.Refund | stripe.RateLimitError) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, stripe.RateLimitError)]


def _refund(desk: Desk, charge: stripe.Charge, amount_minor: int = 100) -> asyncio.Task[stripe.Refund]:
    return asyncio.ensure_future(desk.api.v1.refunds.create_async({"charge": charge.id, "amount": amount_minor}))


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (TwinConfig(requests_per_second=4), "endpoint-rate"),
        (TwinConfig(requests_per_second_in_all=7), "global-rate"),
    ],
    ids=["of one operation", "of all"],
)
async def test_a_burst_beyond_the_limit_is_turned_away_with_stripes_reason(config: TwinConfig, reason: str) -> None:
    async with running_twin(config) as twin, Desk.sdk(twin.url) as api:
        desk = Desk(twin, api)
        charge = await desk.paid()
        refused = await _refused([_refund(desk, charge) for _ in range(20)])
        assert len(refused) >= 12
        for error in refused:
            assert error.error
            assert (error.http_status, error.error.code) == (429, "rate_limit")
            assert error.headers
            assert error.headers["stripe-rate-limited-reason"] == reason
            assert "stripe-should-retry" not in error.headers
        refunds = (await twin.objects("refunds", 100))[::-1]
        assert len(refunds) == 20 - len(refused)


async def test_what_was_turned_away_may_be_sent_again_under_its_key() -> None:
    async with running_twin(TwinConfig(requests_per_second_in_all=1)) as twin, Desk.sdk(twin.url) as api:
        await Desk(twin, api).intent()
        with pytest.raises(stripe.RateLimitError):
            await api.v1.payment_intents.create_async({"amount": 500, "currency": "usd"}, {"idempotency_key": "pi:1"})
        await asyncio.sleep(1.05)
        made = await api.v1.payment_intents.create_async(
            {"amount": 900, "currency": "usd"}, {"idempotency_key": "pi:1"}
        )
        assert made.amount == 900


async def test_two_who_change_one_object_at_once_wait_for_each_other(twin: Twin, desk: Desk) -> None:
    charge = await desk.paid()
    await twin.fault("refunds.create", "slow", seconds=0.15)
    first = _refund(desk, charge, 9_000)
    await asyncio.sleep(0.05)
    second = _refund(desk, charge, 1_000)
    assert await _refused([first, second]) == []
    amounts = [found["object"]["amount"] for found in await twin.objects("refunds")]
    assert amounts == [1_000, 9_000]


async def test_who_waits_too_long_for_an_object_gets_a_lock_timeout_and_may_try_again() -> None:
    async with running_twin(TwinConfig(lock_wait_seconds=0.05)) as twin, Desk.sdk(twin.url) as api:
        desk = Desk(twin, api)
        charge, other = await desk.paid(), await desk.paid()
        await twin.fault("refunds.create", "slow", seconds=0.4)
        slow = _refund(desk, charge)
        await asyncio.sleep(0.1)
        options: stripe.RequestOptions = {"idempotency_key": "re:1"}
        with pytest.raises(stripe.RateLimitError) as refused:
            await api.v1.refunds.create_async({"charge": charge.id, "amount": 200}, options)
        assert refused.value.error
        assert (refused.value.http_status, refused.value.error.code) == (429, "lock_timeout")
        assert refused.value.headers
        assert refused.value.headers["stripe-should-retry"] == "true"
        assert "stripe-rate-limited-reason" not in refused.value.headers
        assert await _refused([_refund(desk, other)]) == []
        await api.v1.charges.retrieve_async(charge.id)
        await slow
        assert (await api.v1.refunds.create_async({"charge": charge.id, "amount": 200}, options)).amount == 200
