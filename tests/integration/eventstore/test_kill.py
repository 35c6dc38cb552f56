"""kill -9 in the middle of appends: what was acknowledged is there, everything else wholly or not at all."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from libs.devstack.postgres import running_postgres
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.migrate import LEDGER, migrate
from libs.eventstore.model import Appended, Duplicate, Outcome, Unit
from libs.ledger.errors import Unavailable
from services.audit.proofs.verify import verify
from tests.integration.eventstore.clients import Client, append_forever, client, keyed


async def _last_words(client: Client) -> list[Any]:
    """Everything it said before it ended, also in the middle of a word."""
    said: list[Any] = []
    try:
        while True:
            said.append(await client.hears())
    except (EOFError, OSError):
        return said


async def _assert_each_once_and_whole(ledger: Ledger, tried: dict[str, Unit], acknowledged: dict[str, Outcome]) -> None:
    """Ask for everything again, as a caller does who never heard; then look at every row."""
    again = await ledger.store.append(list(tried.values()))
    for (key, _), outcome in zip(tried.items(), again, strict=True):
        assert isinstance(outcome, Appended | Duplicate)
        if isinstance(first := acknowledged.get(key), Appended | Duplicate):
            assert outcome == Duplicate(first.positions)
    rows = await ledger.pool.fetch(
        "select k.key, array_agg(e.stream || '/' || e.version order by e.position) as there from ledger.keys k"
        " join ledger.events e on e.book = k.book and e.position between k.first_position and k.last_position"
        " group by k.key"
    )
    assert {row["key"]: row["there"] for row in rows} == {
        key: [f"{change.stream}/{n}" for change in unit.changes for n, _ in enumerate(change.events, 1)]
        for key, unit in tried.items()
    }
    assert await ledger.feed.head() == 3 * len(tried)
    assert await ledger.store.balances() == {
        ("stripe:platform", "USD"): 3 * len(tried),
        ("funds:unallocated", "USD"): 0,
        ("escrow:held", "USD"): -3 * len(tried),
    }
    assert (await verify(ledger)).faults == []


async def test_a_client_killed_at_any_moment_leaves_whole_units(ledger: Ledger, every_database_url: str) -> None:
    chance = Random(20261120)  # noqa: S311 - a seed must repeat the run
    tried: dict[str, Unit] = {}
    acknowledged: dict[str, Outcome] = {}
    unheard = 0
    for life in range(12):
        async with client(append_forever, every_database_url, f"life {life}", 20) as writer:
            first = await writer.hears()
            listening = asyncio.create_task(_last_words(writer))
            await asyncio.sleep(chance.random() * 0.15)
            await writer.kill()
            said = [first, *await listening]
        asked = {key: unit for key, unit in said if isinstance(unit, Unit)}
        answered = {key: outcome for key, outcome in said if not isinstance(outcome, Unit)}
        tried |= asked
        acknowledged |= answered
        unheard += len(asked) - len(answered)
    assert acknowledged
    assert unheard, "killed too late to matter"
    await _assert_each_once_and_whole(ledger, tried, acknowledged)


@pytest.mark.parametrize("version", [16, 18])
async def test_a_server_killed_under_load_loses_and_doubles_nothing(version: int) -> None:
    """The whole server at once by kill -9 of its postmaster, then as `pg_ctl stop -m immediate` does."""
    async with running_postgres(version) as server:
        url = await server.create_database("crash")
        await migrate(url, LEDGER)
        async with open_ledger(url, None) as ledger:
            seen: list[int] = []
            done = asyncio.Event()
            tried: dict[str, Unit] = {}
            acknowledged: dict[str, Outcome] = {}
            failed: set[str] = set()

            async def write(task: int) -> None:
                for number in range(40):
                    attempt = keyed(f"{task}/{number}")
                    tried[f"{task}/{number}"] = attempt
                    try:
                        acknowledged[f"{task}/{number}"] = await ledger.writer.append(attempt)
                    except Unavailable:
                        failed.add(f"{task}/{number}")
                        await asyncio.sleep(0.05)

            async def read() -> None:
                position = 0
                while not done.is_set() or position < await ledger.feed.head():
                    try:
                        events, position = await ledger.feed.read(position)
                    except Unavailable:
                        await asyncio.sleep(0.05)
                        continue
                    seen.extend(event.position for event in events)
                    await asyncio.sleep(0.002)

            reader = asyncio.create_task(read())
            for die in (server.kill, lambda: server.stop("immediate")):
                writers = [asyncio.create_task(write(task + len(tried))) for task in range(10)]
                await asyncio.sleep(0.1)
                await die()
                await asyncio.sleep(0.1)
                await server.start()
                await asyncio.gather(*writers)
            assert failed, "killed too late to matter"
            await _assert_each_once_and_whole(ledger, tried, acknowledged)
            done.set()
            await reader
            assert seen == list(range(1, 3 * len(tried) + 1))
