"""Nobody may pay for ever; what a bank works on is left alone, however long it takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from libs.devstack.stripe_twin.faults import FaultKind
from libs.runtime.chores import Chores
from libs.settings.live import LiveSettings
from services.payment import views
from services.payment.jobs import expire_due
from services.payment.performances import Performances
from tests.integration.payment.desk import ORDER, Desk, now

CREATED = ["PaymentRequested", "IntentCreated"]
TOMORROW = timedelta(hours=25)
DAY_SECONDS = 86_400
SEPA, SEPA_FAILS = "pm_success_de", "pm_failed_de"


async def _expire(desk: Desk, as_of: datetime | None = None) -> Mapping[str, Any]:
    performances = Performances(desk.executor, desk.gateway, now)
    chores = Chores(desk.ledger.pool, [desk.projector], performances.by_kind(), now)
    settings = await LiveSettings.open(desk.ledger)
    job = expire_due(chores, performances.expire, views.Views(desk.ledger.pool), settings)
    return await job(as_of or now() + TOMORROW, lambda _line: None)


async def test_what_nobody_paid_in_time_expires_at_stripe_and_here(desk: Desk) -> None:
    for number in range(3):
        await desk.place(ORDER.model_copy(update={"order_id": f"A-{number}"}))
    await desk.work()
    await desk.twin.confirm(await desk.intent_id("A-2"), "pm_card_chargeDeclined")
    await desk.work()
    assert await _expire(desk, now()) == {"done": 0, "left": 0}, "there is time"
    assert await _expire(desk) == {"done": 3, "left": 0}
    await desk.work()
    assert await desk.story("A-2") == [*CREATED, "PaymentFailed", "PaymentExpired"]
    intent = desk.twin.world.payment_intents.get("platform", await desk.intent_id())
    assert (intent.status, intent.cancellation_reason) == ("canceled", "abandoned")
    shown = await desk.shown()
    assert (shown["status"], shown["client_secret"]) == ("expired", None)
    assert await _expire(desk) == {"done": 0, "left": 0}
    assert await desk.work_left() == [], "the allowance is given back"


async def test_a_payment_that_has_no_intent_yet_expires_when_it_has_one(desk: Desk) -> None:
    await desk.place()
    assert await _expire(desk) == {"done": 0, "left": 0}
    await desk.work()
    assert await _expire(desk) == {"done": 1, "left": 0}


async def test_a_buyer_who_pays_at_the_last_moment_has_paid(desk: Desk) -> None:
    await desk.place()
    await desk.work()
    await desk.twin.confirm(await desk.intent_id())
    await desk.twin.webhooks_idle()
    assert await _expire(desk) == {"done": 0, "left": 0}, "Stripe decides"
    await desk.work()
    assert await desk.story() == [*CREATED, "PaymentCaptured"]


@pytest.mark.parametrize("fault", ["timeout_after_effect", "timeout_before_effect", "rate_limit_429"])
async def test_silence_leaves_it_to_the_next_run_and_it_expires_once(desk: Desk, fault: FaultKind) -> None:
    await desk.place()
    await desk.work()
    await desk.twin.fault("payment_intents.cancel", fault)
    assert await _expire(desk) == {"done": 0, "left": 1}
    await desk.work()
    await _expire(desk)
    await desk.work()
    assert await desk.story() == [*CREATED, "PaymentExpired"]


async def test_a_payment_that_a_bank_works_on_is_captured_days_later_and_never_expires(desk: Desk) -> None:
    await desk.place_and_pay(SEPA)
    assert (await desk.shown())["status"] == "processing"
    assert await _expire(desk, now() + timedelta(days=60)) == {"done": 0, "left": 0}
    await desk.twin.advance(20 * DAY_SECONDS)
    await desk.work()
    assert await desk.story() == [*CREATED, "PaymentPending", "PaymentCaptured"]
    [*_, captured] = await desk.events()
    assert captured.at > now() + timedelta(days=1), "captured when the bank paid, not when the buyer asked it to"


async def test_a_bank_that_starts_to_work_at_the_last_moment_is_left_alone(desk: Desk) -> None:
    await desk.place()
    await desk.work()
    await desk.twin.confirm(await desk.intent_id(), SEPA)
    assert await _expire(desk) == {"done": 0, "left": 0}
    assert await desk.story() == [*CREATED, "PaymentPending"]


async def test_what_a_bank_refuses_days_later_may_be_paid_otherwise_until_the_next_run(desk: Desk) -> None:
    await desk.place_and_pay(SEPA_FAILS)
    await desk.twin.advance(20 * DAY_SECONDS)
    await desk.work()
    assert await desk.story() == [*CREATED, "PaymentPending", "PaymentFailed"]
    assert await _expire(desk) == {"done": 1, "left": 0}


@pytest.mark.parametrize(("method", "last"), [(SEPA, "PaymentCaptured"), (SEPA_FAILS, "PaymentCanceled")])
async def test_a_cancellation_waits_for_the_bank(desk: Desk, method: str, last: str) -> None:
    await desk.place_and_pay(method)
    await desk.cancel()
    await desk.work()
    assert await desk.story() == [*CREATED, "PaymentPending", "CancelRequested"]
    assert await desk.work_left() == [], "nobody asks Stripe every minute for days"
    await desk.twin.advance(20 * DAY_SECONDS)
    await desk.work()
    assert (await desk.story())[-1] == last
