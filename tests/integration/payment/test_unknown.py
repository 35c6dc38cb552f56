"""Calls whose outcome nobody told us: asked about, made again under the same key, and done once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from libs.devstack.stripe_twin.config import Endpoint
from libs.devstack.stripe_twin.faults import FaultKind
from libs.eventstore.codec import Codec
from libs.eventstore.execute import Derived, Done, Executor, Step
from libs.eventstore.model import Key, Meta
from libs.runtime.chores import Chores, resolve_unknown
from services.payment.domain import EVENTS
from services.payment.performances import Performances
from services.payment.work import RESOLVE_KINDS
from tests.integration.payment.desk import ORDER, SECRET, Desk, now

DAY_SECONDS = 86_400
PAID = ["PaymentRequested", "IntentCreated", "PaymentCaptured"]


def _refunds(desk: Desk) -> int:
    return len(desk.twin.world.refunds)


def _intents(desk: Desk) -> int:
    return len(desk.twin.world.payment_intents)


async def _resolve(desk: Desk) -> Mapping[str, Any]:
    """The job, as a CronJob would run it after the pause."""
    performances = Performances(desk.executor, desk.gateway, now).by_kind()
    job = resolve_unknown(Chores(desk.ledger.pool, [desk.projector], performances, now), RESOLVE_KINDS)
    return await job(now() + timedelta(minutes=1), lambda _line: None)


@pytest.mark.parametrize("fault", ["timeout_before_effect", "timeout_after_effect", "error_500_after_effect"])
async def test_an_intent_of_unknown_outcome_is_resolved_to_one(desk: Desk, fault: FaultKind) -> None:
    await desk.twin.fault("payment_intents.create", fault)
    await desk.place()
    await desk.work()
    assert await desk.story() == ["PaymentRequested", "IntentOutcomeUnknown"]
    assert (await desk.shown())["client_secret"] is None
    assert await _resolve(desk) == {"done": 1, "left": 0}
    assert await desk.story() == ["PaymentRequested", "IntentOutcomeUnknown", "IntentCreated"]
    assert _intents(desk) == 1
    assert await desk.work_left() == []


async def test_an_intent_that_failed_at_stripe_takes_a_new_key_since_the_old_one_repeats_the_failure(
    desk: Desk,
) -> None:
    await desk.twin.fault("payment_intents.create", "error_500")
    await desk.place()
    await desk.work()
    assert await _resolve(desk) == {"done": 1, "left": 0}
    await desk.work()
    assert await desk.story() == [
        "PaymentRequested", "IntentOutcomeUnknown", "IntentAbandoned", "IntentCreated",
    ]  # fmt: skip
    assert _intents(desk) == 1
    assert await desk.work_left() == []


@pytest.mark.parametrize("fault", ["timeout_before_effect", "timeout_after_effect", "error_500_after_effect"])
async def test_a_refund_of_unknown_outcome_is_resolved_to_one(desk: Desk, fault: FaultKind) -> None:
    await desk.place_and_pay()
    await desk.twin.set_webhooks(platform=Endpoint(desk.url, SECRET, ("nothing",)))  # which would tell it first
    await desk.twin.fault("refunds.create", fault)
    await desk.refund()
    await desk.work()
    assert await desk.story() == [*PAID, "RefundRequested", "RefundOutcomeUnknown"]
    assert [each["status"] for each in (await desk.shown())["refunds"]] == ["unknown"]
    assert await _resolve(desk) == {"done": 1, "left": 0}
    assert (await desk.story())[-1] == "RefundSucceeded"
    assert _refunds(desk) == 1
    assert await desk.balance("stripe:platform") == 0


async def test_a_refund_that_failed_at_stripe_waits_until_its_key_is_forgotten(desk: Desk) -> None:
    await desk.place_and_pay()
    await desk.twin.fault("refunds.create", "error_500")
    await desk.refund()
    await desk.work()
    assert await _resolve(desk) == {"done": 0, "left": 1}
    await desk.twin.advance(DAY_SECONDS + 1)
    await desk.later()
    assert (await desk.story())[-1] == "RefundSucceeded"
    assert _refunds(desk) == 1


async def test_silence_over_and_over_is_one_event_and_the_work_stays(desk: Desk) -> None:
    await desk.twin.fault("payment_intents.create", "timeout_before_effect", count=3)
    await desk.place()
    await desk.work()
    for _ in range(2):
        assert await _resolve(desk) == {"done": 0, "left": 1}
        await desk.ledger.pool.execute("update work set next_attempt_at = '-infinity'")
    assert await _resolve(desk) == {"done": 1, "left": 0}
    assert await desk.story() == ["PaymentRequested", "IntentOutcomeUnknown", "IntentCreated"]


@pytest.mark.parametrize("fault", ["rate_limit_429", "lock_timeout_429"])
async def test_who_is_turned_away_comes_again_and_nothing_is_in_doubt(desk: Desk, fault: FaultKind) -> None:
    await desk.twin.fault("payment_intents.create", fault)
    await desk.place()
    await desk.work()
    assert await desk.story() == ["PaymentRequested"]
    await desk.later()
    assert await desk.story() == ["PaymentRequested", "IntentCreated"]


async def test_a_call_that_hangs_does_not_hold_up_the_next(desk: Desk) -> None:
    await desk.twin.fault("payment_intents.create", "timeout_before_effect")
    for order_id in ("A-1", "A-2"):
        await desk.place(ORDER.model_copy(update={"order_id": order_id}))
    await desk.work()
    events, _ = await desk.owner.feed.read(0, ["payment"])
    assert [event.type for event in events][2:] == ["IntentCreated", "IntentOutcomeUnknown"]


async def test_a_webhook_whose_object_cannot_be_read_is_worked_on_later(desk: Desk) -> None:
    await desk.place()
    await desk.work()
    await desk.twin.fault("payment_intents.retrieve", "error_503")
    await desk.twin.confirm(await desk.intent_id())
    await desk.work()
    assert await desk.work_left() == ["handle_webhook"]
    await desk.later()
    assert await desk.story() == PAID


class _Dying(Executor):
    """Dies where a killed process would: after the call, before anything of it is recorded."""

    async def run(self, *_steps: Step | Derived, meta: Meta, key: Key | None = None, as_dated: bool = False) -> Done:
        raise asyncio.CancelledError


async def test_a_worker_that_dies_between_call_and_record_leaves_one_intent(desk: Desk) -> None:
    await desk.place()
    await desk.projector.catch_up()
    await desk.worker(executor=_Dying(desk.ledger.writer, Codec(EVENTS))).drain(now())
    assert (_intents(desk), await desk.story()) == (1, ["PaymentRequested"])
    await desk.work()
    assert await desk.story() == ["PaymentRequested"], "it is leased still"
    await desk.later()
    assert await desk.story() == ["PaymentRequested", "IntentCreated"]
    assert _intents(desk) == 1


@pytest.mark.parametrize("days", [0, 2])
async def test_a_worker_that_dies_between_call_and_record_refunds_once_even_if_the_key_is_forgotten(
    desk: Desk, days: int
) -> None:
    await desk.place_and_pay()
    await desk.refund(1_000)
    await desk.projector.catch_up()
    await desk.worker(executor=_Dying(desk.ledger.writer, Codec(EVENTS))).drain(now())
    await desk.twin.advance(days * DAY_SECONDS)
    await desk.later()
    assert _refunds(desk) == 1
    assert await desk.balance("stripe:platform") == 3_000


async def test_an_answer_that_comes_too_late_is_found_by_the_next_question(desk: Desk) -> None:
    """Slower than our patience: the call is still running when we give up on it."""
    await desk.twin.fault("payment_intents.create", "slow", seconds=2.0)
    await desk.place()
    await desk.work()
    assert await desk.story() == ["PaymentRequested", "IntentOutcomeUnknown"]
    assert await _resolve(desk) == {"done": 0, "left": 1}, "its key is in use: nobody knows yet"
    await asyncio.sleep(1.5)
    await desk.later()
    assert _intents(desk) == 1
    assert (await desk.story())[-1] == "IntentCreated"
