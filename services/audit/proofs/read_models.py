"""Rebuild equals live: a read model, applied again from the first event, must come to the rows that are there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from libs.eventstore.projector import Projection
from libs.eventstore.store import SQL as STORE
from libs.ledger.errors import Corrupt
from services.audit.proofs.book import SQL
from services.audit.proofs.progress import Meter, Progress


@dataclass(frozen=True, slots=True)
class Comparison:
    """A live table beside its rebuild. `missing` rows should be there and are not, `surplus` rows the reverse; a row
    that was changed counts as one of each. Some of both are given as examples.
    """

    name: str
    position: int
    rows: int
    missing: int
    surplus: int
    examples: Sequence[dict[str, Any]]

    @property
    def equal(self) -> bool:
        return not self.missing and not self.surplus


async def compare(ledger: Ledger, schema: str, projection: Projection, progress: Progress) -> list[Comparison]:
    """Rebuild one projection into temporary tables, up to its checkpoint, and compare every table of it.

    One snapshot throughout, so that a projector at work does not disturb. Needs no more than the right to read and to
    make temporary tables; everything is rolled back.
    """
    with availability():
        async with ledger.pool.acquire() as connection:
            transaction = connection.transaction(isolation="repeatable_read")
            await transaction.start()
            try:
                position = await _checkpoint(connection, schema, projection)
                await _rebuild(ledger, connection, schema, projection, position, progress)
                return [await _compare(connection, schema, table, projection, position) for table in projection.tables]
            finally:
                await transaction.rollback()
                # Statements prepared for the tables that are gone must not meet the next ones of the same name.
                await connection.reload_schema_state()


async def _checkpoint(connection: asyncpg.pool.PoolConnectionProxy, schema: str, projection: Projection) -> int:
    await connection.execute(SQL.look_into, schema)
    return await connection.fetchval(SQL.checkpoint, projection.name) or 0


async def _rebuild(
    ledger: Ledger,
    connection: asyncpg.pool.PoolConnectionProxy,
    schema: str,
    projection: Projection,
    position: int,
    progress: Progress,
) -> None:
    for table in projection.tables:
        await connection.execute(await connection.fetchval(SQL.twin, schema, table))
    # Nothing but the twins: a projection that touches a table which it does not name fails here.
    await connection.execute(SQL.look_into, "pg_temp")
    head = await connection.fetchval(STORE.head, ledger.store.book)
    if position > head:
        raise Corrupt(f"{schema}/{projection.name} has seen position {position}, the book ends at {head}.")
    meter = Meter(f"{schema}/{projection.name}", position, progress)
    reached = 0
    while reached < position:
        reached = await projection.advance(connection, ledger.feed, reached, through=position)
        meter.reached(reached)


async def _compare(
    connection: asyncpg.pool.PoolConnectionProxy, schema: str, table: str, projection: Projection, position: int
) -> Comparison:
    statement = await connection.fetchval(SQL.comparison, schema, table, list(projection.tables[table]))
    [row] = await connection.fetch(statement)
    examples = [{"missing": json.loads(text)} for text in row["missing_examples"]]
    examples += [{"surplus": json.loads(text)} for text in row["surplus_examples"]]
    return Comparison(f"{schema}.{table}", position, row["rows"], row["missing"], row["surplus"], examples)
