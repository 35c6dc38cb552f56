"""No append waits for an append that waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import asyncpg

from libs.eventstore.feed import Feed
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Appended, Recorded
from libs.eventstore.projector import Projector
from libs.eventstore.store import Store
from libs.ledger.journal import Postings, transfer
from services.migrations import migrate_all
from tests.integration.eventstore.applying import projection
from tests.integration.eventstore.clients import client, hold_open
from tests.integration.eventstore.units import capture, unit

SELLERS = [f"seller:{name}:available" for name in ("anna", "bert", "carl", "dora")]


async def _note(connection: Any, events: Sequence[Recorded]) -> None:
    """Touches its rows in the order of the accounts posted on, which every writer draws anew."""
    for event in events:
        for account in event.accounts:
            await connection.execute(
                "insert into touched values ($1, 1) on conflict (account) do update set times = touched.times + 1",
                account,
            )


TOUCHED = projection("touched", {"touched": ()}, None, _note)


def _through(chance: Random) -> Postings:
    """Money into the platform's account and through all sellers' in one order or another."""
    path = ["funds:unallocated", *chance.sample(SELLERS, len(SELLERS))]
    hops = [transfer("USD", 1, debit=a, credit=b) for a, b in pairwise(path)]
    return sum(hops, capture(1))


async def test_appends_in_opposite_orders_projectors_and_migrations_never_deadlock(
    ledger: Ledger, every_database_url: str
) -> None:
    """By construction: the first lock an append waits for is the row of its book, and whoever has that row waits for no
    other append. Books share no row. A projector locks its checkpoint first, then rows of its own alone; it reads the
    log without a lock. A migration takes its locks in a transaction that appends nothing.
    """
    await ledger.pool.execute("insert into ledger.books (book) values (2), (3)")
    await ledger.pool.execute("create table audit.touched (account text primary key, times integer not null)")

    async def append(store: Store, seed: int) -> int:
        chance = Random(seed)  # noqa: S311 - a seed must repeat the run
        outcomes = [await store.append([unit(_through(chance)) for _ in range(3)]) for _ in range(15)]
        return sum(isinstance(outcome, Appended) for batch in outcomes for outcome in batch)

    async def project(audit: Ledger, book: int) -> None:
        """Two instances a book; of all books into the same rows."""
        touched = replace(TOUCHED, name=f"touched {book}")
        projector = Projector(audit.pool, Feed(audit.pool, book), touched)
        while not appended.is_set():
            await projector.catch_up()
            await asyncio.sleep(0.005)

    async def migrate_again() -> None:
        while not appended.is_set():
            assert await migrate_all(every_database_url) == []
            await asyncio.sleep(0.05)

    appended = asyncio.Event()
    async with asyncio.timeout(60), AsyncExitStack() as stack:
        audit = await stack.enter_async_context(open_ledger(every_database_url, "audit"))
        pools = [await stack.enter_async_context(open_ledger(every_database_url, None)) for _ in range(2)]
        beside = [asyncio.create_task(project(audit, 1)) for _ in range(2)] + [asyncio.create_task(migrate_again())]
        landed = await asyncio.gather(*(append(Store(pools[n % 2].pool, 1 + n % 3), n) for n in range(12)))
        appended.set()
        await asyncio.gather(*beside)
    assert sum(landed) == 12 * 15 * 3
    name = every_database_url.rpartition("/")[2]
    assert await ledger.pool.fetchval("select deadlocks from pg_stat_database where datname = $1", name) == 0


async def test_an_append_that_waits_for_its_book_has_written_nothing_yet(
    ledger: Ledger, every_database_url: str
) -> None:
    """What the construction rests on: whoever waits holds no lock that the one it waits for could want."""
    async with client(hold_open, every_database_url) as holder:
        await holder.hears()
        waiting = asyncio.create_task(ledger.store.append([unit(capture())]))
        watcher = await asyncpg.connect(every_database_url)
        async with asyncio.timeout(10):
            while not (pid := await watcher.fetchval("select pid from pg_locks where not granted")):  # noqa: ASYNC110 - PostgreSQL tells nobody
                await asyncio.sleep(0.01)
        held = await watcher.fetch(
            "select relation::regclass::text, mode from pg_locks where pid = $1 and granted and locktype = 'relation'"
            " and mode not in ('AccessShareLock', 'RowShareLock')",
            pid,
        )
        await watcher.close()
        assert [tuple(row) for row in held] == [], "a table it may have written to"
        holder.tell("go on")
        assert await waiting == [Appended(range(4, 5))]
