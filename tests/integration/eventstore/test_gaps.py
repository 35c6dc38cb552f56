"""The gap that sequences have: A takes its positions, B commits later ones first, a reader moves on without A's."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from libs.eventstore.feed import Feed
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Appended, Recorded
from libs.eventstore.projector import Projector
from services.audit.proofs.verify import verify
from tests.integration.eventstore.applying import projection
from tests.integration.eventstore.clients import client, hold_open
from tests.integration.eventstore.units import capture, unit


async def _note(connection: Any, events: Sequence[Recorded]) -> None:
    await connection.executemany("insert into noted values ($1)", [(event.position,) for event in events])


NOTED = projection("noted", {"noted": ()}, None, _note)


@pytest.fixture
async def depot(ledger: Ledger, every_database_url: str) -> AsyncIterator[Ledger]:
    """A service with a read model that shows what it was handed twice."""
    async with ledger.pool.acquire() as connection, connection.transaction():
        await connection.execute("select ledger.admit_service('depot', array['box'])")
        await connection.execute("create table depot.noted (position bigint)")
    async with open_ledger(every_database_url, "depot") as opened:
        yield opened


@asynccontextmanager
async def _readers(depot: Ledger, seen: list[int]) -> AsyncIterator[None]:
    """A feed that is read and a projector that works without a pause; at the end both have come to the log's end."""
    done = asyncio.Event()

    async def follow(feed: Feed) -> None:
        position = 0
        while not done.is_set() or position < await feed.head():
            events, position = await feed.read(position)
            seen.extend(event.position for event in events)
            await asyncio.sleep(0.001)

    async def project(projector: Projector) -> None:
        while not done.is_set():
            await projector.catch_up()
            await asyncio.sleep(0.001)
        await projector.catch_up()

    readers = [follow(depot.feed), *(project(Projector(depot.pool, depot.feed, NOTED)) for _ in range(2))]
    tasks = [asyncio.create_task(reader) for reader in readers]
    yield
    done.set()
    await asyncio.gather(*tasks)


async def test_readers_skip_nothing_and_see_nothing_twice_while_a_writer_hangs_and_is_killed(
    ledger: Ledger, depot: Ledger, every_database_url: str
) -> None:
    seen: list[int] = []
    expected = 0
    async with _readers(depot, seen):
        for fate in ("commit", "kill", "kill", "commit", "kill"):
            async with client(hold_open, every_database_url) as a:
                first = range(expected + 1, expected + 3), range(expected + 3, expected + 4)
                assert await a.hears() == [Appended(positions) for positions in first]
                b = [asyncio.create_task(ledger.store.append([unit(capture())])) for _ in range(3)]
                await asyncio.sleep(0.05)
                assert not any(task.done() for task in b), "B takes a later position and commits before A"
                assert await ledger.feed.head() == expected == len(seen), "a reader sees what is not committed"
                if fate == "commit":
                    a.tell("go on")
                    assert await a.hears() == "committed"
                    expected += 3
                else:
                    await a.kill()
                outcomes = await asyncio.gather(*b)
            given = [outcome.positions[0] for [outcome] in outcomes if isinstance(outcome, Appended)]
            assert sorted(given) == [expected + 1, expected + 2, expected + 3], "B takes what A gives back"
            expected += 3
    assert seen == list(range(1, expected + 1))
    noted = Counter(row["position"] for row in await depot.pool.fetch("select position from noted"))
    assert noted == Counter(seen)
    assert await depot.pool.fetchval("select position from checkpoints where name = 'noted'") == expected
    assert (await verify(ledger)).faults == []
