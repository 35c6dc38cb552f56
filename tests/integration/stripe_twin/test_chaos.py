"""Chaos over HTTP: calls and webhooks suffer by the seed, and what is lost can still be found."""

import asyncio
from collections import Counter
from itertools import pairwise

import httpx
import pytest
import stripe

from libs.devstack.stripe_twin import Chaos, Endpoint, Twin, TwinConfig, TwinControlError, Webhooks, running_twin
from libs.devstack.stripe_twin.chaos import Lots
from libs.devstack.stripe_twin.faults import FaultKind
from tests.integration.stripe_twin.desk import Desk
from tests.integration.stripe_twin.hook import PLATFORM_SECRET, Hook

_TURNED_AWAY_OR_FAILED = Chaos(
    seed=9, rate_limit_429=0.15, lock_timeout_429=0.1, error_500=0.15, error_500_after_effect=0.15, error_503=0.1
)
_SEEN_AS: dict[FaultKind | None, str] = {
    None: "made",
    "rate_limit_429": "429 rate_limit",
    "lock_timeout_429": "429 lock_timeout",
    "error_500": "500 None",
    "error_500_after_effect": "500 None",
    "error_503": "503 None",
}


async def _outcomes(chaos: Chaos, pause_seconds: float) -> list[str]:
    async with running_twin(TwinConfig(chaos=chaos)) as twin, Desk.sdk(twin.url) as api:
        desk, outcomes = Desk(twin, api), []
        for _ in range(25):
            await asyncio.sleep(pause_seconds)
            try:
                await desk.intent()
                outcomes.append("made")
            except stripe.StripeError as error:
                outcomes.append(f"{error.http_status} {error.error.code if error.error else None}")
        effects = outcomes.count("made") + sum(kind == "error_500_after_effect" for kind in _drawn(chaos))
        assert len(await twin.objects("payment_intents", 100)) == effects
        return outcomes


def _drawn(chaos: Chaos) -> list[FaultKind | None]:
    lots = Lots(chaos)
    return [lots.for_call("payment_intents.create") for _ in range(25)]


async def test_the_same_calls_suffer_what_was_drawn_for_them_however_fast_they_come() -> None:
    expected = [_SEEN_AS[kind] for kind in _drawn(_TURNED_AWAY_OR_FAILED)]
    assert set(expected) == set(_SEEN_AS.values())
    for pause_seconds in (0, 0.004):
        assert await _outcomes(_TURNED_AWAY_OR_FAILED, pause_seconds) == expected


async def test_a_lost_answer_is_chaos_too(twin: Twin, desk: Desk) -> None:
    await twin.set_chaos(Chaos(seed=1, timeout_after_effect=1))
    async with httpx.AsyncClient(base_url=twin.url, headers={"authorization": "Bearer sk_test_twin"}) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post("/v1/payment_intents", data={"amount": "500", "currency": "usd"}, timeout=0.1)
    await twin.end_chaos()
    assert len((await desk.api.v1.payment_intents.list_async()).data) == 1


async def test_a_fault_that_was_ordered_comes_before_chaos(twin: Twin, desk: Desk) -> None:
    await twin.set_chaos(Chaos(seed=1, error_500=1))
    await twin.fault("payment_intents.create", "error_503")
    statuses = []
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            await desk.intent()
        statuses.append(failed.value.http_status)
    assert statuses == [503, 500]


def _listening(hook: Hook, chaos: Chaos) -> TwinConfig:
    # one at a time, so that the order of arrival is the order of sending
    endpoint = Endpoint(f"{hook.url}/platform", PLATFORM_SECRET, ("payment_intent.created",))
    return TwinConfig(chaos=chaos, webhooks=Webhooks(platform=endpoint, concurrency=1))


async def _arrived(hook: Hook, chaos: Chaos, *, one_more: bool = True) -> tuple[list[str], list[str], int]:
    """The ids of what was announced, and of what arrived, in order; and how many are known to be lost.

    Eleven events in chaos, and, in peace, one more.
    """
    async with running_twin(_listening(hook, chaos)) as twin, Desk.sdk(twin.url) as api:
        for _ in range(11):
            await Desk(twin, api).intent()
        if one_more:
            await twin.end_chaos()
            await Desk(twin, api).intent()
        await twin.webhooks_idle()
        announced = [found["object"]["id"] for found in await twin.objects("events", 100)][::-1]
        listed = [event.id for event in (await api.v1.events.list_async({"limit": 100})).data][::-1]
        assert listed == announced
        return announced, [event.id for event in hook.platform], twin.courier.lost


async def test_a_lost_webhook_never_comes_but_is_listed(hook: Hook) -> None:
    announced, arrived, lost = await _arrived(hook, Chaos(seed=2, webhook_lost=0.4))
    assert 0 < lost < 12
    assert len(arrived) == 12 - lost
    assert set(arrived) < set(announced)


async def test_a_doubled_webhook_comes_twice(hook: Hook) -> None:
    announced, arrived, _ = await _arrived(hook, Chaos(seed=2, webhook_doubled=0.4))
    assert set(arrived) == set(announced)
    assert set(Counter(arrived).values()) == {1, 2}


async def test_a_reordered_webhook_is_overtaken_by_the_next(hook: Hook) -> None:
    announced, arrived, _ = await _arrived(hook, Chaos(seed=2, webhook_reordered=0.4, webhook_delay_seconds=5))
    assert sorted(arrived) == sorted(announced)
    assert arrived != announced


async def test_what_nothing_overtakes_comes_after_the_delay(hook: Hook) -> None:
    announced, arrived, _ = await _arrived(
        hook, Chaos(seed=2, webhook_reordered=1, webhook_delay_seconds=0.1), one_more=False
    )
    assert sorted(arrived) == sorted(announced)


async def test_a_delayed_webhook_comes_after_those_that_were_not(hook: Hook) -> None:
    announced, arrived, _ = await _arrived(hook, Chaos(seed=2, webhook_delayed=0.4, webhook_delay_seconds=0.5))
    assert sorted(arrived) == sorted(announced)
    places = [announced.index(event) for event in arrived]
    # two runs, each in order: those that were not delayed, then those that were
    assert sum(before > after for before, after in pairwise(places)) == 1


async def test_what_is_sent_by_hand_comes_for_certain(twin: Twin, desk: Desk, hook: Hook) -> None:
    await twin.set_webhooks(platform=Endpoint(f"{hook.url}/platform", PLATFORM_SECRET))
    await twin.set_chaos(Chaos(seed=1, webhook_lost=1))
    await desk.intent()
    [event] = await twin.objects("events")
    await twin.resend(event["object"]["id"])
    await twin.webhooks_idle()
    assert [arrived.id for arrived in hook.platform] == [event["object"]["id"]]


async def test_more_than_all_cannot_go_wrong(twin: Twin) -> None:
    with pytest.raises(TwinControlError, match="lower them"):
        await twin.set_chaos(Chaos.model_construct(seed=1, error_500=0.6, error_503=0.6))
