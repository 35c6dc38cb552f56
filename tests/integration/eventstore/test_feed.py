"""Readers see every event once, in order, whatever writers and servers do meanwhile."""

from __future__ import annotations

import asyncio

import asyncpg

from libs.devstack.postgres import running_postgres
from libs.eventstore.batch import Batch
from libs.eventstore.feed import Feed
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.migrate import LEDGER, migrate
from libs.eventstore.signal import pulsed
from libs.eventstore.store import SQL
from libs.ledger.errors import Unavailable
from tests.integration.eventstore.units import capture, stream, unit


async def _follow(feed: Feed, seen: list[int], until: asyncio.Event) -> None:
    position = 0
    while not until.is_set() or position < await feed.head():
        events, position = await feed.read(position)
        seen += [event.position for event in events]
        await asyncio.sleep(0.001)


async def test_a_writer_held_open_never_makes_a_reader_skip(ledger: Ledger, every_database_url: str) -> None:
    """The gap that sequences have: A takes its positions, B commits later ones first, a reader moves on without A's."""
    seen: list[int] = []
    done = asyncio.Event()
    reader = asyncio.create_task(_follow(ledger.feed, seen, done))
    slow = await asyncpg.connect(every_database_url)
    held = slow.transaction()
    await held.start()
    await slow.fetch(SQL.append, *Batch(1, [unit(capture())]).arguments)

    fast = asyncio.create_task(ledger.store.append([unit(capture())]))
    await asyncio.sleep(0.2)
    assert not fast.done(), "B must wait for A, or it would take a later position and commit first"
    assert seen == []
    await held.commit()
    await fast
    killed = slow.transaction()
    await killed.start()
    await slow.fetch(SQL.append, *Batch(1, [unit(capture())]).arguments)
    slow.terminate()  # the client dies in the middle of its transaction
    await ledger.store.append([unit(capture())])

    done.set()
    await reader
    assert seen == [1, 2, 3]


async def test_kill_9_of_the_server_under_load_loses_and_doubles_nothing() -> None:
    async with running_postgres() as server:
        url = await server.create_database("crash")
        await migrate(url, LEDGER)
        async with open_ledger(url, None) as ledger:
            seen: list[int] = []
            done = asyncio.Event()
            stored: list[str] = []

            async def write(name: str) -> None:
                for number in range(30):
                    request = unit(capture(), to=name, version=number, key=f"{name}/{number}")
                    while True:
                        try:
                            await ledger.writer.append(request)
                            break
                        except Unavailable:
                            await asyncio.sleep(0.1)
                    stored.append(f"{name}/{number}")

            async def read() -> None:
                position = 0
                while not done.is_set() or position < await ledger.feed.head():
                    try:
                        events, position = await ledger.feed.read(position)
                    except Unavailable:
                        await asyncio.sleep(0.1)
                        continue
                    seen.extend(event.position for event in events)
                    await asyncio.sleep(0.002)

            reader = asyncio.create_task(read())
            writers = [asyncio.create_task(write(stream())) for _ in range(10)]
            await asyncio.sleep(0.15)
            await server.kill()
            await server.start()
            await asyncio.gather(*writers)
            done.set()
            await reader

            assert len(stored) == 300
            assert seen == list(range(1, 301))
            assert await ledger.pool.fetchval("select count(*) from ledger.keys") == 300
            assert await ledger.store.balance("stripe:platform", "USD") == 300 * 100


async def test_a_reader_of_one_kind_moves_past_all_others(ledger: Ledger) -> None:
    await ledger.store.append([unit(capture()), unit(to=stream().replace("payment", "escrow"))])
    events, through = await ledger.feed.read(0, ["escrow"])
    assert [event.kind for event in events] == ["escrow"]
    assert through == 2
    assert await ledger.feed.read(through, ["escrow"]) == ([], 2)


async def test_an_append_wakes_a_listener_long_before_it_would_poll(ledger: Ledger) -> None:
    listening = asyncio.create_task(ledger.feed.listen())
    await ledger.feed.signal.arm().wait()
    armed = ledger.feed.signal.arm()
    await ledger.store.append([unit(capture())])
    async with asyncio.timeout(5):
        await pulsed(armed, poll_seconds=60)
    listening.cancel()
