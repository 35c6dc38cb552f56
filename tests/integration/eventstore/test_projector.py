"""Read models and work lists follow the log exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Recorded
from libs.eventstore.projector import WORK_COLUMNS, Projector
from libs.eventstore.signal import Signal
from libs.eventstore.worklist import Item, Worker
from tests.integration.eventstore.applying import projection
from tests.integration.eventstore.units import stream, unit


@pytest.fixture
async def depot(ledger: Ledger, every_database_url: str) -> AsyncIterator[Ledger]:
    async with ledger.pool.acquire() as connection, connection.transaction():
        await connection.execute("select ledger.admit_service('depot', array['box'])")
        await connection.execute("select ledger.create_worklist('depot')")
    async with open_ledger(every_database_url, "depot") as opened:
        yield opened


async def _to_work(connection: Any, events: Sequence[Recorded]) -> None:
    await connection.executemany(
        "insert into work (id, kind, subject, due_at) values ($1, 'carry', $2, $3)",
        [(event.id, event.stream_id, event.recorded_at) for event in events],
    )


WORK = projection("boxes", {"work": WORK_COLUMNS}, ("box",), _to_work)


def _boxes(count: int) -> list[Any]:
    return [unit(to=stream().replace("payment", "box")) for _ in range(count)]


async def test_many_projectors_of_one_projection_apply_each_event_once(depot: Ledger) -> None:
    for _ in range(5):
        await depot.store.append(_boxes(20))
    await asyncio.gather(*(Projector(depot.pool, depot.feed, WORK).catch_up() for _ in range(4)))
    assert await depot.pool.fetchval("select count(*) from work") == 100
    assert await depot.pool.fetchval("select position from checkpoints") == 100


async def test_a_failing_projection_moves_neither_rows_nor_checkpoint(depot: Ledger) -> None:
    async def half(connection: Any, events: Sequence[Recorded]) -> None:
        await _to_work(connection, events[:1])
        raise RuntimeError("in the middle")

    await depot.store.append(_boxes(2))
    with pytest.raises(RuntimeError):
        await Projector(depot.pool, depot.feed, projection("boxes", {}, ("box",), half)).catch_up()
    assert await depot.pool.fetchval("select count(*) from work") == 0
    await Projector(depot.pool, depot.feed, WORK).catch_up()
    assert await depot.pool.fetchval("select count(*) from work") == 2


async def test_two_workers_never_do_the_same_item_and_one_stuck_call_holds_up_nobody(depot: Ledger) -> None:
    await depot.store.append(_boxes(30))
    await Projector(depot.pool, depot.feed, WORK).catch_up()
    done: list[str] = []
    stuck, others_done = asyncio.Event(), asyncio.Event()

    async def carry(item: Item) -> None:
        if item.id == "1-1":
            await stuck.wait()
        done.append(item.id)
        if len(done) == 29:
            others_done.set()

    def now() -> datetime:
        return datetime.now(UTC)

    workers = [Worker(depot.pool, Signal(), {"carry": carry}, now, at_once_max=4) for _ in range(2)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    async with asyncio.timeout(10):
        await others_done.wait()
    assert len(set(done)) == 29
    stuck.set()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert len(done) == len(set(done)) == 30, "a cancelled worker lets what it began finish"


async def test_failed_work_comes_back_after_a_pause_and_says_why(depot: Ledger) -> None:
    await depot.store.append(_boxes(1))
    await Projector(depot.pool, depot.feed, WORK).catch_up()
    attempts: list[int] = []

    async def carry(item: Item) -> None:
        attempts.append(item.attempts)
        raise OSError("no road")

    now = datetime.now(UTC) + timedelta(seconds=5)
    worker = Worker(depot.pool, Signal(), {"carry": carry}, lambda: now)
    assert await worker.drain(now) == 1
    row = await depot.pool.fetchrow("select last_error, leased_until, next_attempt_at > now() as later from work")
    assert row is not None
    assert "no road" in row["last_error"]
    assert row["leased_until"] is None
    assert row["later"]
    await depot.pool.execute("update work set next_attempt_at = now()")
    await worker.drain(now)
    assert attempts == [1, 2]


async def test_a_dead_workers_item_returns_when_its_lease_ends(depot: Ledger) -> None:
    await depot.store.append(_boxes(1))
    await Projector(depot.pool, depot.feed, WORK).catch_up()
    now = datetime.now(UTC) + timedelta(seconds=5)
    done: list[int] = []

    async def carry(item: Item) -> None:
        done.append(item.attempts)

    worker = Worker(depot.pool, Signal(), {"carry": carry}, lambda: now)
    assert await worker.drain(now) == 1
    assert await worker.drain(now) == 0, "leased"
    await depot.pool.execute("update work set leased_until = now() - interval '1 second'")
    assert await worker.drain(now) == 1
    assert done == [1, 2]


async def test_a_live_worker_keeps_its_lease_however_long_it_takes(
    depot: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libs.eventstore.worklist.LEASE_SECONDS", 0.3)
    await depot.store.append(_boxes(1))
    await Projector(depot.pool, depot.feed, WORK).catch_up()
    now = datetime.now(UTC) + timedelta(seconds=5)
    begun: list[str] = []
    finish = asyncio.Event()

    async def carry(item: Item) -> None:
        begun.append(item.id)
        await finish.wait()

    slow = asyncio.create_task(Worker(depot.pool, Signal(), {"carry": carry}, lambda: now).drain(now))
    await asyncio.sleep(1.0)
    other = Worker(depot.pool, Signal(), {"carry": carry}, lambda: now)
    assert await other.start_due(now, 1) == 0
    finish.set()
    await slow
    assert begun == ["1-1"]
