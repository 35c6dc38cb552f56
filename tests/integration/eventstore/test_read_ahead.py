"""Who is far behind reads the next slice while the present one is written, and nobody can tell by the rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

import pytest

from libs.eventstore import projector
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Recorded
from libs.eventstore.projector import EventProjection, Projector, RangeProjection, Write
from libs.ledger.errors import Unavailable
from tests.integration.eventstore.applying import projection
from tests.integration.eventstore.clients import client
from tests.integration.eventstore.units import unit

SLICE = 5
EVENTS = 4 * SLICE + 2


async def _note(connection: Any, events: Sequence[Recorded]) -> None:
    await connection.executemany("insert into noted values ($1)", [(event.position,) for event in events])


NOTED = projection("noted", {"noted": ()}, None, _note)


def _ranging(
    preparing: Callable[[int], Any] = lambda _: _at_once(), writing: Callable[[int], Any] = lambda _: _at_once()
) -> RangeProjection:
    """The same rows, made by the server, with something to do or to wait for before a slice is read or written."""

    async def prepare(_connection: Any, _book: int, after: int, through: int) -> Write:
        await preparing(after)

        async def write(connection: Any) -> None:
            await connection.execute("insert into noted select * from generate_series($1::int, $2)", after + 1, through)
            await writing(after)

        return write

    return RangeProjection(NOTED.name, NOTED.tables, prepare)


async def _at_once() -> None:
    """Nothing to wait for."""


@pytest.fixture
async def behind(ledger: Ledger, every_database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ledger]:
    """A service with a read model that shows what it was handed twice, some slices behind the log."""
    monkeypatch.setattr("libs.eventstore.projector.SLICE_POSITIONS_MAX", SLICE)
    async with ledger.pool.acquire() as connection, connection.transaction():
        await connection.execute("select ledger.admit_service('depot', array['box'])")
        await connection.execute("create table depot.noted (position bigint)")
    await ledger.store.append([unit() for _ in range(EVENTS)])
    async with open_ledger(every_database_url, "depot") as opened:
        yield opened
        assert opened.pool.get_idle_size() == opened.pool.get_size(), "a connection was not given back"
    reading = [
        task for task in asyncio.all_tasks() if getattr(task.get_coro(), "__qualname__", "") == "Projector._read"
    ]
    assert not reading, "a task was left behind"


async def _noted(depot: Ledger) -> list[int]:
    return [row["position"] for row in await depot.pool.fetch("select position from noted order by position")]


async def _checkpoint(depot: Ledger) -> int:
    position: int = await depot.pool.fetchval("select position from checkpoints")
    return position


async def _assert_goes_on(depot: Ledger) -> None:
    """Whatever happened, the next to catch up brings every event in once."""
    await Projector(depot.pool, depot.feed, NOTED).catch_up()
    assert await _noted(depot) == list(range(1, EVENTS + 1))
    assert await _checkpoint(depot) == EVENTS


async def test_a_slice_is_read_while_the_one_before_is_written(behind: Ledger) -> None:
    read: dict[int, asyncio.Event] = {after: asyncio.Event() for after in range(0, EVENTS + SLICE, SLICE)}

    async def tell(after: int) -> None:
        read[after].set()

    async def hear(after: int) -> None:
        if after + SLICE < EVENTS:
            await read[after + SLICE].wait()

    async with asyncio.timeout(10):
        await Projector(behind.pool, behind.feed, _ranging(tell, hear)).catch_up()
    await _assert_goes_on(behind)


async def test_who_follows_closely_needs_no_second_connection(
    ledger: Ledger, behind: Ledger, every_database_url: str
) -> None:
    await Projector(behind.pool, behind.feed, NOTED).catch_up()
    await ledger.store.append([unit()])
    async with open_ledger(every_database_url, "depot") as close:
        await Projector(close.pool, close.feed, NOTED).catch_up()
        assert await _checkpoint(close) == EVENTS + 1
        assert close.pool.get_size() == 1


async def test_instances_that_race_apply_each_event_once(behind: Ledger, every_database_url: str) -> None:
    async with open_ledger(every_database_url, "depot") as other:
        racers = [Projector(each.pool, each.feed, NOTED) for each in (behind, other) for _ in range(2)]
        await asyncio.gather(*(racer.catch_up() for racer in racers))
    await _assert_goes_on(behind)


async def test_a_pool_full_of_instances_that_wait_for_the_checkpoint_is_no_dead_end(behind: Ledger) -> None:
    racers = [Projector(behind.pool, behind.feed, NOTED) for _ in range(2 * behind.pool.get_max_size())]
    async with asyncio.timeout(20):
        await asyncio.gather(*(racer.catch_up() for racer in racers))
    await _assert_goes_on(behind)


async def test_what_was_read_ahead_is_dropped_when_another_instance_was_faster(behind: Ledger) -> None:
    reading, overtaken = asyncio.Event(), asyncio.Event()

    async def loiter(after: int) -> None:
        if after == SLICE:
            reading.set()
            await overtaken.wait()

    slow = asyncio.create_task(Projector(behind.pool, behind.feed, _ranging(loiter)).catch_up())
    await reading.wait()
    await Projector(behind.pool, behind.feed, NOTED).catch_up()
    assert await _checkpoint(behind) == EVENTS
    overtaken.set()
    await slow
    await _assert_goes_on(behind)


async def test_an_event_that_cannot_be_folded_stops_nothing_before_its_slice(behind: Ledger) -> None:
    class Picky:
        def __init__(self) -> None:
            self._gathered = NOTED.changes()

        def add(self, recorded: Recorded) -> None:
            if recorded.position == 2 * SLICE + 1:
                raise ValueError(recorded.position)
            self._gathered.add(recorded)

        async def write(self, connection: Any) -> None:
            await self._gathered.write(connection)

    picky = EventProjection(NOTED.name, NOTED.tables, None, Picky)
    for _ in range(2):  # the first time it was read ahead, the second time not
        with pytest.raises(ValueError, match="11"):
            await Projector(behind.pool, behind.feed, picky).catch_up()
        assert await _checkpoint(behind) == 2 * SLICE == len(await _noted(behind))
    await _assert_goes_on(behind)


@pytest.mark.parametrize("ready", [True, False])
async def test_a_write_that_fails_takes_what_is_read_ahead_with_it(behind: Ledger, ready: bool) -> None:
    begun = asyncio.Event()

    async def begin(after: int) -> None:
        if after == 2 * SLICE:
            begun.set()
            await (_at_once() if ready else asyncio.Event().wait())

    async def fail(after: int) -> None:
        if after == SLICE:
            await begun.wait()
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        await Projector(behind.pool, behind.feed, _ranging(begin, fail)).catch_up()
    assert await _checkpoint(behind) == SLICE == len(await _noted(behind))
    await _assert_goes_on(behind)


async def test_a_server_process_that_dies_in_the_middle_is_unavailable(ledger: Ledger, behind: Ledger) -> None:
    async def die(connection: Any, events: Sequence[Recorded]) -> None:
        await _note(connection, events)
        if events[0].position > SLICE:
            await ledger.pool.execute("select pg_terminate_backend($1)", connection.get_server_pid())

    with pytest.raises(Unavailable):
        await Projector(behind.pool, behind.feed, projection("noted", {"noted": ()}, None, die)).catch_up()
    assert await _checkpoint(behind) == SLICE == len(await _noted(behind))
    await _assert_goes_on(behind)


@pytest.mark.parametrize("in_transaction", [True, False])
async def test_a_cancelled_instance_leaves_neither_task_nor_connection(behind: Ledger, in_transaction: bool) -> None:
    begun = asyncio.Event()

    async def hang(after: int) -> None:
        if after == 2 * SLICE:
            begun.set()
            await asyncio.Event().wait()

    async def linger(after: int) -> None:
        if after == SLICE and in_transaction:
            await asyncio.Event().wait()

    running = asyncio.create_task(Projector(behind.pool, behind.feed, _ranging(hang, linger)).run())
    await begun.wait()
    while not in_transaction and await _checkpoint(behind) < 2 * SLICE:  # noqa: ASYNC110 - the database cannot tell
        await asyncio.sleep(0.001)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await _checkpoint(behind) == (SLICE if in_transaction else 2 * SLICE) == len(await _noted(behind))
    await _assert_goes_on(behind)


async def project_and_hang(pipe: Connection, url: str) -> None:
    """Project in short slices until the third is written and the fourth was read, say so, and never commit."""
    projector.SLICE_POSITIONS_MAX = SLICE  # type: ignore[misc] # in a process of its own
    read = asyncio.Event()

    async def tell(after: int) -> None:
        if after == 3 * SLICE:
            read.set()

    async def hang(after: int) -> None:
        if after == 2 * SLICE:
            await read.wait()
            pipe.send("between")
            await asyncio.Event().wait()

    async with open_ledger(url, "depot") as depot:
        await Projector(depot.pool, depot.feed, _ranging(tell, hang)).catch_up()


async def test_killed_between_write_and_commit_it_has_done_nothing_by_halves(
    behind: Ledger, every_database_url: str
) -> None:
    async with client(project_and_hang, every_database_url) as killed:
        assert await killed.hears() == "between"
        await killed.kill()
    assert await _checkpoint(behind) == 2 * SLICE == len(await _noted(behind))
    await _assert_goes_on(behind)
