"""Stripe catches up after an outage: thousands of notices at once, some twice, none in order."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from http import HTTPStatus
from time import perf_counter

import aiohttp
import stripe

from contracts.events.orders import Buyer, OrderLine, OrderPlaced
from libs.devstack.stripe_twin import charging
from libs.devstack.stripe_twin.books import PLATFORM
from libs.devstack.stripe_twin.calls import payment_intents
from libs.devstack.stripe_twin.errors import StripeRefusal
from libs.devstack.stripe_twin.objects.event import Event
from libs.devstack.stripe_twin.routing import Call
from libs.devstack.stripe_twin.wire import to_json
from libs.runtime.server import serving
from services.payment.gateway import NOTICE_TYPES
from tests.integration.cards.laws import check_laws, work_left
from tests.integration.cards.market import PLATFORM_SECRET, Market, open_market

PAYMENTS = 1_000
NOTICES = 5 * PAYMENTS
AT_ONCE = 8
TRIES = ("pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds", "pm_card_threeDSecure2Required")


async def test_five_thousand_notices_in_no_order_end_right(database_url: str) -> None:
    async with open_market(database_url) as market:
        await _place(market)
        told: list[Event] = []
        market.twin.world.announce = told.append
        _pay(market)
        notices = [event for event in told if event.type in NOTICE_TYPES]
        assert len(notices) == 4 * PAYMENTS  # two cards that are declined, a question who they are, and the money
        chance = random.Random(4)  # noqa: S311 - to be repeated
        burst = notices + chance.sample(notices, NOTICES - len(notices))
        chance.shuffle(burst)
        started = perf_counter()
        async with serving(market.app, "127.0.0.1", 0) as url:
            slowest = await _send(f"{url}/webhooks/stripe", burst)
        accepted = perf_counter()
        await market.settle()
        worked = perf_counter()
        print(  # noqa: T201 - what a person who runs it alone wants to see
            f"{NOTICES / (accepted - started):.0f} notices/s accepted, the 99th of a hundred in "
            f"{slowest * 1_000:.0f} ms; worked at {len(notices) / (worked - accepted):.0f}/s"
        )
        await _assert_right(market)


async def _place(market: Market) -> None:
    for number in range(PAYMENTS):
        await market.tell(
            OrderPlaced(
                order_id=f"b{number}",
                buyer=Buyer(id=f"buyer-{number}", country="US"),
                currency="USD",
                rail="card",
                lines=(OrderLine(seller="ann", category="toys", amount_minor=1_000 + number),),
                placed_at=market.now,
            )
        )
    await market.settle()


def _pay(market: Market) -> None:
    """Each buyer tries two cards in vain, and proves who they are with the third."""
    world = market.twin.world
    for intent in list(world.payment_intents):
        for card in TRIES:
            call = Call(
                owner=PLATFORM,
                params={"payment_method": card, "use_stripe_sdk": True},
                ids=(intent.id,),
                browser=True,
                client_secret=intent.client_secret,
            )
            with suppress(StripeRefusal):
                payment_intents.confirm(world, call)
        charging.authenticate(world, intent, succeeds=True)


async def _send(url: str, burst: Iterable[Event]) -> float:
    """Deliver all, so many at a time as Stripe may; the seconds that 99 of 100 took at most."""
    waiting, seconds = iter(burst), list[float]()

    async def deliver(events: Iterator[Event], session: aiohttp.ClientSession) -> None:
        for event in events:
            body = to_json(event.render()).decode()
            signature = stripe.WebhookSignature.generate_signature_header(body, PLATFORM_SECRET)
            begun = perf_counter()
            async with session.post(url, data=body, headers={"stripe-signature": signature}) as answer:
                assert answer.status == HTTPStatus.OK, await answer.text()
            seconds.append(perf_counter() - begun)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(deliver(waiting, session) for _ in range(AT_ONCE)))
    return sorted(seconds)[len(seconds) * 99 // 100]


async def _assert_right(market: Market) -> None:
    told = Counter(envelope.type for envelope in market.bus.told)
    assert told["payment.captured.v1"] == told["escrow.held.v1"] == PAYMENTS
    total_minor = sum(1_000 + number for number in range(PAYMENTS))
    assert await market.balances() == {"stripe:platform": total_minor, "escrow:held": -total_minor}
    kept = await market.database.fetch("select type, count(*) from ledger.events where type ~ '^Webhook' group by 1")
    assert {row["type"]: row["count"] for row in kept} == {
        "WebhookReceived": NOTICES - PAYMENTS,
        "WebhookHandled": NOTICES - PAYMENTS,
    }
    assert await work_left(market) == []
    await check_laws(market)
