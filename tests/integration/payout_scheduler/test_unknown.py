"""Calls whose outcome nobody told us: asked about, made again under the same key, and done once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from libs.devstack.stripe_twin.faults import FaultKind
from libs.eventstore.codec import Codec
from libs.eventstore.execute import Derived, Done, Executor, Step
from libs.eventstore.model import Key, Meta
from services.payout_scheduler.domain import EVENTS
from tests.integration.payout_scheduler.desk import DAY_SECONDS, Desk, now

SILENCES: list[FaultKind] = ["timeout_before_effect", "timeout_after_effect", "error_500_after_effect"]


async def resolve(desk: Desk) -> dict[str, Any]:
    """The job, as a CronJob would run it after the pause."""
    return await desk.job("resolve-unknown", now() + timedelta(minutes=1))


@pytest.mark.parametrize("hours", [0, 25])
@pytest.mark.parametrize("fault", SILENCES)
async def test_a_transfer_of_unknown_outcome_is_resolved_to_one(desk: Desk, fault: FaultKind, hours: int) -> None:
    """Also when Stripe has forgotten the key by then."""
    await desk.ready()
    await desk.twin.fault("transfers.create", fault)
    await desk.release("A-1", "anna", 10_000)
    assert await desk.events_of("transfer") == ["TransferRequested", "TransferOutcomeUnknown"]
    assert [each["status"] for each in (await desk.seller())["waiting"]] == ["unknown"]
    await desk.twin.advance(hours * 3_600)
    assert await resolve(desk) == {"done": 1, "left": 0}
    assert (await desk.events_of("transfer"))[-1] == "TransferSettled"
    assert desk.transfers_made() == 1
    assert await desk.balance("stripe:connected:anna") == 9_000
    assert await desk.work_left() == []


@pytest.mark.parametrize("hours", [0, 25])
@pytest.mark.parametrize("fault", SILENCES)
async def test_a_payout_of_unknown_outcome_is_resolved_to_one(desk: Desk, fault: FaultKind, hours: int) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.deaf()  # nobody but the resolver may find it
    await desk.twin.fault("payouts.create", fault)
    await desk.payouts_due()
    assert await desk.story() == ["PayoutStarted", "PayoutOutcomeUnknown"]
    assert (await desk.payouts_due())["done"] == 0, "the slot is claimed"
    assert (await desk.wallet())["in_transit"] == 9_000
    await desk.twin.advance(hours * 3_600)
    assert await resolve(desk) == {"done": 1, "left": 0}
    assert await desk.story() == ["PayoutStarted", "PayoutOutcomeUnknown", "PayoutSubmitted"]
    assert len(desk.twin_payouts()) == 1
    assert await desk.work_left() == []


async def test_what_failed_at_stripe_waits_until_its_key_is_forgotten_and_never_takes_another(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.twin.fault("payouts.create", "error_500")
    await desk.payouts_due()
    for _ in range(2):
        assert await resolve(desk) == {"done": 0, "left": 1}
        await desk.ledger.pool.execute("update work set next_attempt_at = '-infinity'")
    assert desk.twin_payouts() == []
    await desk.twin.advance(DAY_SECONDS + 1)
    assert await resolve(desk) == {"done": 1, "left": 0}
    assert [made["metadata"]["attempt"] for made in desk.twin_payouts()] == ["1"]
    assert await desk.story() == ["PayoutStarted", "PayoutOutcomeUnknown", "PayoutSubmitted"]


async def test_a_webhook_may_clear_up_what_our_call_did_not_learn(desk: Desk) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.twin.fault("payouts.create", "timeout_after_effect")
    await desk.payouts_due()
    await desk.pass_days(3)
    assert await desk.story() == ["PayoutStarted", "PayoutOutcomeUnknown", "PayoutSubmitted", "PayoutPaid"]
    assert await desk.work_left() == []
    assert await resolve(desk) == {"done": 0, "left": 0}
    assert len(desk.twin_payouts()) == 1


async def test_a_job_whose_look_at_stripe_fails_says_so_and_pays_the_others(desk: Desk) -> None:
    for name in ("anna", "bert"):
        await desk.ready(name)
        await desk.release(f"A-{name}", name, 10_000)
    await desk.twin.fault("balance.retrieve", "error_503")
    summary = await desk.payouts_due()
    assert (summary["done"], summary["left"]) == (1, 1)
    assert (await desk.payouts_due())["done"] == 1
    assert desk.twin.world.books.total("payout", "usd") == 18_000


class _Dying(Executor):
    """Dies where a killed process would: after the call, before anything of it is recorded."""

    async def run(self, *_steps: Step | Derived, meta: Meta, key: Key | None = None, as_dated: bool = False) -> Done:
        raise asyncio.CancelledError


async def dies_at_work(desk: Desk) -> None:
    await desk.catch_up()
    await desk.worker(_Dying(desk.ledger.writer, Codec(EVENTS))).drain(now())


@pytest.mark.parametrize("days", [0, 2])
async def test_a_worker_that_dies_between_call_and_record_transfers_once(desk: Desk, days: int) -> None:
    """Also when its work is taken up so late that Stripe has forgotten the key."""
    await desk.ready()
    await desk.announce_release("A-1", "anna", 10_000)
    await dies_at_work(desk)
    assert (desk.transfers_made(), await desk.events_of("transfer")) == (1, ["TransferRequested"])
    await desk.work()
    assert await desk.events_of("transfer") == ["TransferRequested"], "it is leased still"
    await desk.twin.advance(days * DAY_SECONDS)
    await desk.later()
    assert await desk.events_of("transfer") == ["TransferRequested", "TransferSettled"]
    assert desk.transfers_made() == 1
    assert await desk.balance("stripe:connected:anna") == 9_000


@pytest.mark.parametrize("days", [0, 2])
async def test_a_worker_that_dies_between_call_and_record_pays_once(desk: Desk, days: int) -> None:
    await desk.ready()
    await desk.release("A-1", "anna", 10_000)
    await desk.deaf()
    await desk.pay(key="k1")
    await dies_at_work(desk)
    assert (len(desk.twin_payouts()), await desk.story(slot="http:k1")) == (1, ["PayoutStarted"])
    await desk.twin.advance(days * DAY_SECONDS)
    await desk.later()
    assert len(desk.twin_payouts()) == 1
    assert (await desk.story(slot="http:k1"))[:2] == ["PayoutStarted", "PayoutSubmitted"]
    assert (await desk.payouts_due())["done"] == 0
