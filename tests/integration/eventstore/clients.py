"""Clients of the ledger as processes of their own, which a test may kill. Each is a coroutine that talks by a pipe."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from random import Random
from typing import Any, NamedTuple, cast

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Appended, Change, Key, Moved, Outcome, Unit
from libs.eventstore.pool import open_pool
from libs.eventstore.store import Store
from libs.ledger.errors import Unavailable
from services.migrations import migrate_all
from tests.integration.eventstore.strategies import random_draft
from tests.integration.eventstore.units import META, capture, event, hold, stream, unit

# A server that has imported everything forks a client in 10 ms; an interpreter of its own would take half a second.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["__main__", __name__])


@dataclass
class Client:
    """A running client."""

    process: BaseProcess
    _pipe: Connection

    async def hears(self) -> Any:
        """What it says next; EOFError when it has ended, however it did."""
        return await asyncio.to_thread(self._pipe.recv)

    def tell(self, words: object) -> None:
        self._pipe.send(words)

    async def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        await asyncio.to_thread(self.process.join)


@asynccontextmanager
async def client(act: Callable[..., Awaitable[None]], *arguments: object) -> AsyncIterator[Client]:
    """`act(pipe, *arguments)` in a process that ends with the block at the latest."""
    ours, theirs = _PROCESSES.Pipe()
    process = _PROCESSES.Process(target=_live, args=(act, theirs, *arguments), daemon=True)
    await asyncio.to_thread(process.start)
    theirs.close()
    started = Client(process, ours)
    try:
        yield started
    finally:
        await started.kill()
        ours.close()


def _live(act: Callable[..., Any], *arguments: object) -> None:
    asyncio.run(act(*arguments))


class Attempt(NamedTuple):
    """A unit and what came of it, between two moments given as positions of the log's end."""

    before: int
    unit: Unit
    outcome: Outcome
    after: int


async def hammer(ledger: Ledger, seed: int, attempts: int) -> list[Attempt]:
    """Append random units through the writer, each as the last outcome on its streams lets expect that they stand."""
    chance, versions, made = Random(seed), Counter[str](), list[Attempt]()  # noqa: S311 - a seed must repeat the run
    while len(made) < attempts:
        drawn = random_draft(chance).unit(versions.__getitem__)
        before = await ledger.feed.head()
        try:
            outcome = await ledger.writer.append(drawn)
        except Unavailable:
            continue  # the money that was short has arrived since
        made.append(Attempt(before, drawn, outcome, await ledger.feed.head()))
        if isinstance(outcome, Moved):
            versions[outcome.stream] = outcome.actual
        elif isinstance(outcome, Appended):
            for change in drawn.changes:
                versions[change.stream] += len(change.events)
    return made


async def hammer_apart(pipe: Connection, url: str, seed: int, tasks: int, attempts: int) -> None:
    """`hammer` from another process: waits for a word, then sends the attempts of all its tasks."""
    async with open_ledger(url, None) as ledger:
        await ledger.feed.head()
        pipe.send("ready")
        await asyncio.to_thread(pipe.recv)
        made = await asyncio.gather(*(hammer(ledger, seed + task, attempts) for task in range(tasks)))
        pipe.send([attempt for each in made for attempt in each])


async def hold_open(pipe: Connection, url: str) -> None:
    """Append in a transaction that stays open until a word comes; then commit."""
    async with open_pool(url, None) as pool, pool.acquire() as connection:
        async with connection.transaction():
            # One connection in the pool's place, because a pool ends what its connections have open.
            pipe.send(await Store(cast(Any, connection), 1).append([unit(capture(), capture()), unit(capture())]))
            await asyncio.to_thread(pipe.recv)
        pipe.send("committed")


def keyed(key: str) -> Unit:
    """A unit of three events in two streams, the same for the same key but for the names of the streams."""
    changes = [Change(stream(), 0, [event(capture(3)), event(hold(2))]), Change(stream(), 0, [event(hold(1))])]
    return Unit(changes, META, Key(key, key.encode()))


async def append_forever(pipe: Connection, url: str, name: str, tasks: int) -> None:
    """Send each unit with its key before it is appended, and the outcome after, until somebody kills this."""

    async def go_on(task: int) -> None:
        number = 0
        while True:
            key = f"{name}/{task}/{number}"
            attempt = keyed(key)
            pipe.send((key, attempt))
            pipe.send((key, await ledger.writer.append(attempt)))
            number += 1

    async with open_ledger(url, None) as ledger:
        await asyncio.gather(*map(go_on, range(tasks)))


async def migrate_apart(pipe: Connection, url: str) -> None:
    """Wait for a word, migrate, send the names of what was applied."""
    pipe.send("ready")
    await asyncio.to_thread(pipe.recv)
    pipe.send(await migrate_all(url))
