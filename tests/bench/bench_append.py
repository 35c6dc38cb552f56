"""Appending: in bulk, by many callers at once, and alone, each beside what PostgreSQL can do with the same rows.

The limit of bulk and of group commit is COPY of the same rows into a table with the same two indexes and no checks; the
limit of a lone append is a bare one-row INSERT with its commit.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg

from libs.eventstore.leaves import leaf_of_new
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.migrate import LEDGER, migrate
from libs.eventstore.model import Appended, Change, Key, Meta, NewEvent, Unit
from libs.eventstore.store import BATCH_UNITS_MAX
from libs.ledger.journal import entry
from tests.bench.harness import Result, Side, in_turns, percentile
from tests.bench.server import tuned_postgres

BATCHES = 10
CALLERS = 256
SINGLES = 200
META = Meta(actor="/bench", correlation_id="order-1", causation_id="1-1")
DATA = '{"escrow_id":"7b4cb5b0-7a0f-4a39-8b3a-0a6b7f1a8f11","order_id":"order-1","seller":"ann","currency":"USD"}'
COLUMNS = [
    *("book", "position", "stream", "version", "type", "schema_version", "recorded_at", "effective_at"),
    *("correlation_id", "causation_id", "actor", "reason", "accounts", "currencies", "amounts", "data", "leaf"),
]


def _unit() -> Unit:
    """One keyed event with three postings."""
    postings = entry("USD", debit={"stripe:platform": 100}, credit={"funds:unallocated": 80, "revenue:commission": 20})
    event = NewEvent("AllocationReleased", DATA, datetime.now(UTC), postings)
    stream = f"escrow-{uuid4()}"
    return Unit([Change(stream, 0, [event])], META, Key(stream, b"f" * 32))


def _rows(start: int, count: int) -> list[tuple[Any, ...]]:
    """The same events as rows of `ledger.events`."""
    rows = []
    now = datetime.now(UTC)
    for position in range(start, start + count):
        [change] = _unit().changes
        [event] = change.events
        accounts, currencies, amounts = zip(*event.postings, strict=True)
        leaf = leaf_of_new(1, change.stream, 1, event, META)
        head = (1, position, change.stream, 1, event.type, 1, now, event.effective_at)
        decimals = list(map(Decimal, amounts))
        rows.append((*head, "order-1", "1-1", META.actor, None, accounts, currencies, decimals, event.data, leaf))
    return rows


class Copied:
    """The bare table: the rows and indexes of the ledger's events, and nothing else."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool  # a plain one: its binary numerics are what COPY is fastest with
        self._start = 0

    async def create(self) -> None:
        await self.pool.execute(
            "drop table if exists copied; create table copied (like ledger.events);"
            "alter table copied add primary key (book, position), add unique (book, stream, version)"
        )

    def batches(self, count: int, size: int = BATCH_UNITS_MAX) -> list[list[tuple[Any, ...]]]:
        """Fresh rows, made ahead of the measurement."""
        made = [_rows(self._start + n * size, size) for n in range(count)]
        self._start += count * size
        return made

    async def copy(self, batches: list[list[tuple[Any, ...]]]) -> int:
        for rows in batches:
            async with self.pool.acquire() as connection:
                await connection.copy_records_to_table("copied", records=rows, columns=COLUMNS)
        return sum(map(len, batches))

    async def insert(self, rows: list[tuple[Any, ...]]) -> int:
        """One row a statement, one commit each."""
        statement = f"insert into copied values ({', '.join(f'${n}' for n in range(1, len(COLUMNS) + 1))})"
        for row in rows:
            await self.pool.execute(statement, *row)
        return len(rows)


async def _bulk(ledger: Ledger, copied: Copied) -> Result:
    async def ours(units: list[Unit]) -> int:
        outcomes = await ledger.store.append(units)
        assert all(isinstance(outcome, Appended) for outcome in outcomes)
        return len(units)

    result = await in_turns(
        "append_bulk",
        "entries/s",
        Side(lambda: [_unit() for _ in range(BATCHES * BATCH_UNITS_MAX)], ours),
        Side(lambda: copied.batches(BATCHES), copied.copy),
        batch=BATCH_UNITS_MAX,
    )
    assert await ledger.store.balance("stripe:platform", "USD") == 100 * await ledger.feed.head()
    return result


async def _group_commit(ledger: Ledger, copied: Copied) -> Result:
    latencies: list[float] = []

    async def caller(units: list[Unit]) -> None:
        for unit in units:
            started = time.perf_counter()
            assert isinstance(await ledger.writer.append(unit), Appended)
            latencies.append(time.perf_counter() - started)

    async def ours(callers: list[list[Unit]]) -> int:
        await asyncio.gather(*map(caller, callers))
        return sum(map(len, callers))

    result = await in_turns(
        "append_group_commit",
        "entries/s",
        Side(lambda: [[_unit() for _ in range(20)] for _ in range(CALLERS)], ours),
        Side(lambda: copied.batches(5), copied.copy),
        callers=CALLERS,
    )
    result.more["batch_ms"] = round(CALLERS / result.value * 1000, 1)  # how long the store takes for one unit of each
    for share in (0.5, 0.99):
        result.more[f"p{share * 100:.0f}_ms"] = round(percentile(latencies, share) * 1000, 1)
    return result


async def _single(ledger: Ledger, copied: Copied) -> Result:
    async def ours(units: list[Unit]) -> int:
        for unit in units:
            assert isinstance(await ledger.writer.append(unit), Appended)
        return len(units)

    return await in_turns(
        "append_single",
        "appends/s",
        Side(lambda: [_unit() for _ in range(SINGLES)], ours),
        Side(lambda: copied.batches(1, SINGLES)[0], copied.insert),
    )


async def run() -> list[Result]:
    async with tuned_postgres() as server:
        url = await server.create_database("bench")
        await migrate(url, LEDGER)
        async with open_ledger(url, None) as ledger, asyncpg.create_pool(url, min_size=1, max_size=2) as pool:
            results = []
            for bench in (_bulk, _group_commit, _single):
                copied = Copied(pool)
                await copied.create()
                results.append(await bench(ledger, copied))
            return results
