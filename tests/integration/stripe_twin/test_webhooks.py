"""Webhooks: signed, to the right endpoint, at least once, and never too many at a time."""

import asyncio
from collections import Counter

import pytest
import stripe

from libs.devstack.stripe_twin import Endpoint, Twin, TwinConfig, Webhooks, running_twin
from tests.integration.stripe_twin.desk import Desk
from tests.integration.stripe_twin.hook import CONNECT_SECRET, PLATFORM_SECRET, Hook


def _platform(hook: Hook, *events: str) -> Endpoint:
    return Endpoint(f"{hook.url}/platform", PLATFORM_SECRET, events or ("*",))


def _connect(hook: Hook) -> Endpoint:
    return Endpoint(f"{hook.url}/connect", CONNECT_SECRET)


async def test_each_endpoint_hears_its_own_events_signed_with_its_own_secret(
    twin: Twin, desk: Desk, hook: Hook
) -> None:
    await twin.set_webhooks(platform=_platform(hook), connect=_connect(hook))
    seller = await desk.funded_seller()
    await desk.payout(seller, 1_000)
    await twin.webhooks_idle()

    assert hook.forged == 0
    assert {event.type for event in hook.platform} == {
        "payment_intent.created", "payment_intent.succeeded", "charge.succeeded", "transfer.created",
        "balance.available",
    }  # fmt: skip
    assert {event.type for event in hook.connect} == {
        "account.updated", "capability.updated", "account.external_account.created", "payout.created",
        "balance.available",
    }  # fmt: skip
    assert {event.account for event in hook.connect} == {seller.id}
    assert all(getattr(event, "account", None) is None for event in hook.platform)


async def test_an_event_is_a_snapshot_and_tells_what_caused_it(twin: Twin, desk: Desk, hook: Hook) -> None:
    await twin.set_webhooks(platform=_platform(hook, "payment_intent.created"))
    intent = await desk.api.v1.payment_intents.create_async(
        {"amount": 1_000, "currency": "usd"}, {"idempotency_key": "pi:1"}
    )
    await twin.confirm(intent.id)
    await twin.webhooks_idle()
    event = hook.platform[0]
    assert (event.data.object["id"], event.data.object["status"]) == (intent.id, "requires_payment_method")
    assert (event.livemode, event.api_version, event.created) == (False, stripe.api_version, intent.created)
    assert event.request
    assert event.request.idempotency_key == "pi:1"
    assert (await desk.api.v1.events.retrieve_async(event.id)).type == "payment_intent.created"


async def test_an_endpoint_gets_only_the_types_it_wants(twin: Twin, desk: Desk, hook: Hook) -> None:
    await twin.set_webhooks(platform=_platform(hook, "charge.*", "payment_intent.created"))
    await desk.paid()
    await twin.webhooks_idle()
    assert sorted(event.type for event in hook.platform) == ["charge.succeeded", "payment_intent.created"]


async def test_a_refused_event_comes_again_until_it_is_accepted(twin: Twin, desk: Desk, hook: Hook) -> None:
    hook.fail_next = 4
    await twin.set_webhooks(platform=_platform(hook))
    await desk.paid()
    await twin.webhooks_idle()
    assert len({event.id for event in hook.platform}) == 3
    assert (twin.courier.delivered, twin.courier.refused) == (3, 4)


async def test_events_wait_for_an_endpoint_that_is_down_and_find_it_elsewhere(
    twin: Twin, desk: Desk, hook: Hook
) -> None:
    await twin.set_webhooks(platform=Endpoint("http://127.0.0.1:9/platform", PLATFORM_SECRET))
    await desk.paid()
    await asyncio.sleep(0.3)
    assert twin.courier.refused > 0
    await twin.set_webhooks(platform=_platform(hook))
    await twin.webhooks_idle()
    assert len(hook.platform) == 3


async def test_every_event_can_be_delivered_twice(twin: Twin, desk: Desk, hook: Hook) -> None:
    await twin.set_webhooks(platform=_platform(hook), extra_copies=1)
    await desk.paid()
    await twin.webhooks_idle()
    assert sorted(Counter(event.id for event in hook.platform).values()) == [2, 2, 2]


async def test_an_event_can_be_sent_again_by_hand(twin: Twin, desk: Desk, hook: Hook) -> None:
    await twin.set_webhooks(platform=_platform(hook, "charge.succeeded"))
    await desk.paid()
    await twin.webhooks_idle()
    await twin.resend(hook.platform[0].id)
    await twin.webhooks_idle()
    assert [event.id for event in hook.platform] == [hook.platform[0].id] * 2


async def test_deliveries_are_bounded(hook: Hook) -> None:
    hook.hold_seconds = 0.05
    config = TwinConfig(webhooks=Webhooks(platform=_platform(hook), concurrency=3))
    async with running_twin(config) as twin, Desk.sdk(twin.url) as api:
        await asyncio.gather(*(Desk(twin, api).intent() for _ in range(20)))
        await twin.webhooks_idle()
    assert len(hook.platform) == 20
    assert hook.busiest == 3


async def test_a_wrong_secret_does_not_pass(twin: Twin, desk: Desk, hook: Hook) -> None:
    await twin.set_webhooks(platform=Endpoint(f"{hook.url}/platform", "whsec_other"))
    await desk.intent()
    await asyncio.sleep(0.2)
    assert (hook.platform, hook.forged > 0) == ([], True)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"type": "charge.succeeded"}, ["charge.succeeded"]),
        ({"type": "payment_intent.*"}, ["payment_intent.succeeded", "payment_intent.created"]),
        ({"types": ["charge.succeeded", "payment_intent.created"]}, ["charge.succeeded", "payment_intent.created"]),
    ],
)
async def test_missed_events_are_listed_by_type(
    desk: Desk, filters: stripe.params.EventListParams, expected: list[str]
) -> None:
    await desk.paid()
    assert [event.type for event in (await desk.api.v1.events.list_async(filters)).data] == expected
