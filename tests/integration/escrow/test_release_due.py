"""The job that releases: many at a time, once each, whoever else runs it."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from libs.ledger.errors import Rejected
from libs.settings import registry
from tests.integration.escrow.world import World, cancelled, delivered, envelope, open_world

ORDERS = [f"order-{number}" for number in range(120)]


@pytest.fixture
async def due(world: World) -> World:
    """120 orders whose 240 allocations are due on the tenth day, with jobs that take 50 at a time."""
    await asyncio.gather(*map(world.held, ORDERS))
    await asyncio.gather(*(world.receive(envelope(delivered(order_id))) for order_id in ORDERS))
    return world


async def _all_released_once(world: World) -> None:
    events = (await world.owner.feed.read(0, ["escrow"])).events
    rest = (await world.owner.feed.read(1_000, ["escrow"])).events
    released = [event.data for event in [*events, *rest] if event.type == "AllocationReleased"]
    assert len(released) == 240
    balances = await world.balances()
    assert "escrow:held" not in balances
    assert balances["seller:anna:available"] == 120 * 10_500
    assert balances["seller:bert:available"] == 120 * 2_400
    assert balances["revenue:commission"] == 120 * 3_100


async def test_the_job_goes_on_until_nothing_is_due_and_says_how_far_it_is(due: World) -> None:
    said: list[str] = []
    assert await due.release_due(10, said.append) == {"done": 240, "left": 0, "released": 240, "auto_confirmed": 0}
    assert len(said) > 2, "one batch was not all"
    assert said[-1].startswith("240 allocations released")
    await _all_released_once(due)
    assert (await due.release_due(10))["done"] == 0


async def test_releases_share_commits(due: World) -> None:
    await due.set(registry.JOB_BATCH_SIZE, 1_000)
    before = await due.owner.pool.fetchval("select block from ledger.books")
    await due.release_due(10)
    blocks = await due.owner.pool.fetchval("select block from ledger.books") - before
    assert blocks < 120 / 3, "120 appends must not be 120 commits"


async def test_two_jobs_at_once_release_each_allocation_once(due: World) -> None:
    async with open_world(due.url) as other:
        summaries = await asyncio.gather(due.release_due(10), other.release_due(10))
    assert sum(summary["released"] for summary in summaries) == 240
    assert [summary["left"] for summary in summaries] == [0, 0]
    await _all_released_once(due)


async def test_a_job_that_is_stopped_in_the_middle_is_finished_by_the_next(due: World) -> None:
    async with open_world(due.url) as doomed:
        halfway = asyncio.Event()
        running = asyncio.create_task(doomed.release_due(10, lambda _: halfway.set()))
        await halfway.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    rest = await due.release_due(10)
    assert 0 < rest["released"] < 240
    assert rest["left"] == 0
    await _all_released_once(due)


async def test_an_escrow_that_cannot_be_released_is_counted_and_holds_up_no_other(due: World) -> None:
    await due.set(registry.JOB_BATCH_SIZE, 1)
    await due.catch_up()
    phantom = uuid4()  # a row without a stream: the read model contradicts the log
    pool = due.service.ledger.pool
    await pool.execute(
        "insert into escrows select $1, payment_id, 'phantom', currency, amount_minor, status, held_at, deliver_by,"
        " hold_until_max, 0 from escrows limit 1",
        phantom,
    )
    await pool.execute(
        "insert into allocations (allocation_id, escrow_id, seller, gross_minor, commission_minor, deliver_by)"
        " values ($1, $1, 'anna', 1, 0, '2020-01-01')",
        phantom,
    )
    assert await due.release_due(10) == {"done": 240, "left": 1, "released": 240, "auto_confirmed": 0}
    await _all_released_once(due)


async def test_a_message_and_the_job_at_once_move_the_money_one_way_only(due: World) -> None:
    async def cancel(order_id: str) -> None:
        try:
            await due.receive(envelope(cancelled(order_id)))
        except Rejected as refusal:
            if refusal.code != "already_released":
                raise

    await asyncio.gather(due.release_due(10), *map(cancel, ORDERS))
    balances = await due.balances()
    gone_minor = sum(
        balances.get(account, 0)
        for account in ("seller:anna:available", "seller:bert:available", "revenue:commission", "refunds:payable")
    )
    assert gone_minor == 120 * 16_000
    assert "escrow:held" not in balances
