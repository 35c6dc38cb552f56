"""The three tables, as CSV that PostgreSQL itself writes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Literal

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from libs.ledger import chart
from libs.ledger.money import CURRENCIES
from services.audit.export.extent import SQL, Extent
from services.audit.export.pieces import Piece, in_order, must_be_whole

SLICE_ROWS: Final = 5_000
"""Positions (or blocks) a statement: milliseconds, so that no snapshot keeps PostgreSQL from cleaning up."""

Type = Literal["word", "text", "integer", "small", "minor", "time"]
"""A word is one of few, or repeated in the rows that follow; a text is another one in every row."""


@dataclass(frozen=True, slots=True)
class Table:
    """`by` says what its statement is sliced along. The columns, in order, with the types they have in Parquet."""

    name: str
    query: str
    columns: Mapping[str, Type]
    by: Literal["position", "block"] = "position"
    arguments: Sequence[str] = ()


KINDS: Final = {rule.pattern.partition(":")[0]: rule.kind for rule in chart.CHART}
"""What an account is, by the first part of its name. A test holds the chart to it."""

EVENTS: Final = Table(
    "events",
    SQL.events,
    {
        "book": "small",
        "position": "integer",
        "stream": "word",
        "version": "integer",
        "type": "word",
        "schema_version": "small",
        "recorded_at": "time",
        "effective_at": "time",
        "correlation_id": "word",
        "causation_id": "word",
        "actor": "word",
        "reason": "word",
        "data": "text",
        "leaf": "text",
    },
)
POSTINGS: Final = Table(
    "postings",
    SQL.postings,
    {
        "book": "small",
        "position": "integer",
        "line": "small",
        "account": "word",
        "kind": "word",
        "currency": "word",
        "amount_minor": "minor",
        "exponent": "small",
        "effective_at": "time",
        "recorded_at": "time",
        "type": "word",
        "stream": "word",
    },
    arguments=(json.dumps(KINDS), json.dumps({each.code: each.exponent for each in CURRENCIES.values()})),
)
BLOCKS: Final = Table(
    "blocks",
    SQL.blocks,
    {
        "book": "small",
        "block": "integer",
        "first_position": "integer",
        "last_position": "integer",
        "sealed_at": "time",
        "previous": "text",
        "hash": "text",
    },
    by="block",
)
TABLES: Final = (EVENTS, POSTINGS, BLOCKS)


async def csv(ledger: Ledger, table: Table, extent: Extent, *, header: bool = True) -> AsyncGenerator[Piece, None]:
    """A table as RFC 4180 has it, but for its bare line feeds; an empty field is NULL, `""` an empty text.

    Each slice is read by a statement of its own: what is read cannot change. Raises `Corrupt` where rows are missing,
    and `Unavailable`.
    """
    numbers = extent.blocks if table.by == "block" else range(extent.first, extent.last + 1)
    # The header comes in any case, so that a table without rows is still one.
    starts = range(numbers.start, max(numbers.stop, numbers.start + 1), SLICE_ROWS)
    slices = (range(start, min(start + SLICE_ROWS, numbers.stop)) for start in starts)
    reads = (_copied(ledger, table, extent.book, each, header and each.start == numbers.start) for each in slices)
    async with aclosing(in_order(reads)) as copies:
        async for data, rows, through in copies:
            yield Piece(data, rows, extent.events * (through - numbers.start) // max(len(numbers), 1))


async def _copied(ledger: Ledger, table: Table, book: int, numbers: range, header: bool) -> tuple[bytes, int, int]:
    """The text of a slice, its rows, and where the next one begins."""
    chunks: list[bytes] = []

    async def take(chunk: bytes) -> None:
        chunks.append(chunk)

    with availability():
        async with ledger.pool.acquire() as connection:
            status = await connection.copy_from_query(
                table.query,
                book,
                numbers.start,
                numbers.stop - 1,
                *table.arguments,
                output=take,
                format="csv",
                header=header,
            )
    rows = int(status.removeprefix("COPY "))
    if table is not POSTINGS:
        must_be_whole(table.name, numbers, rows)
    return b"".join(chunks), rows, numbers.stop
