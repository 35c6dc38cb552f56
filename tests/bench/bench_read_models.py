"""Rebuilding every read model of every service from an empty table, beside a bare fetch of the events it reads.

Events a second are those that the projection is given, in slices of one far behind, each with its commit. The book is a
marketplace's: real events of every service.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.projector import SLICE_POSITIONS_MAX, EventProjection, Projection, Projector
from libs.eventstore.store import SQL
from services.audit.proofs.replay import replay
from services.embedded.assembly import read_models
from services.migrations import migrate_all
from tests.bench.harness import Result, Side, in_turns
from tests.bench.orders import trade
from tests.bench.server import tuned_postgres

ORDERS: Final = 3_000
ROUNDS: Final = 3


async def _measured(url: str, owner: Ledger, schema: str, projection: Projection) -> Result:
    head = await owner.feed.head()
    kinds = projection.kinds if isinstance(projection, EventProjection) else None
    counted = "select count(*) from ledger.events where $1::text[] is null or split_part(stream, '-', 1) = any ($1)"
    events: int = await owner.pool.fetchval(counted, kinds)
    async with open_ledger(url, schema) as service:
        return await in_turns(
            f"read_model_{projection.name}",
            "events/s",
            Side(lambda: None, _rebuilding(owner.pool, service, schema, projection, events)),
            Side(lambda: None, _fetching(service, kinds, head, events)),
            rounds=ROUNDS,
            events=events,
        )


def _rebuilding(
    owner: asyncpg.Pool, service: Ledger, schema: str, projection: Projection, events: int
) -> Callable[[None], Awaitable[int]]:
    tables = ", ".join(f"{schema}.{table}" for table in projection.tables)

    async def rebuild(_: None) -> int:
        await owner.execute(f"truncate {tables}")
        await owner.execute(f"delete from {schema}.checkpoints where name = $1", projection.name)
        await Projector(service.pool, service.feed, projection).catch_up()
        return events

    return rebuild


def _fetching(service: Ledger, kinds: Any, head: int, events: int) -> Callable[[None], Awaitable[int]]:
    async def fetch(_: None) -> int:
        async with service.pool.acquire() as connection:
            read = await connection.prepare(SQL.read)
            slices = range(0, head, SLICE_POSITIONS_MAX)
            found = [len(await read.fetch(1, after, after + SLICE_POSITIONS_MAX, kinds)) for after in slices]
        assert sum(found) == events
        return events

    return fetch


async def _assert_complete(ledger: Ledger) -> None:
    """Every order went all the way, and the audit's own rebuild comes to the same rows."""
    counts = {
        "payment.payments": "status = 'captured'",
        "escrow.escrows": "status = 'RELEASED'",
        "payout_scheduler.transfers": "status = 'settled'",
    }
    for table, condition in counts.items():
        assert await ledger.pool.fetchval(f"select count(*) from {table} where {condition}") == ORDERS
    assert await ledger.pool.fetchval("select count(*) from payout_scheduler.payouts where status <> 'paid'") == 0
    found = await replay(ledger, read_models())
    assert found.equal, found.json()


async def run() -> list[Result]:
    async with tuned_postgres() as server:
        url = await server.create_database("bench")
        await migrate_all(url)
        async with open_ledger(url, None) as ledger:
            await trade(ledger, ORDERS)
            await ledger.pool.execute("vacuum analyze ledger.events")
            results = [await _measured(url, ledger, schema, projection) for schema, projection in read_models()]
            await _assert_complete(ledger)
            return results
