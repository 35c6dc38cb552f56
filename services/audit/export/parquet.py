"""The three tables as Parquet: the CSV that PostgreSQL writes, read by Arrow, so that both hold the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from typing import Any, Final

from libs.eventstore.ledger import Ledger
from libs.ledger.errors import Rejected
from services.audit.export.extent import Extent
from services.audit.export.pieces import Piece
from services.audit.export.tables import Table, csv

GROUP_BYTES: Final = 8 * 2**20
"""A row group is held in memory, twice while it is written; far smaller ones compress and scan badly."""


async def parquet(ledger: Ledger, table: Table, extent: Extent) -> AsyncGenerator[Piece, None]:
    """A table in row groups of bounded size, compressed with zstd.

    Raises `Corrupt`, `Unavailable`, and `Rejected` (`no_pyarrow`) where the extra `audit` is not installed.
    """
    groups = _Groups(table)
    read = 0
    # Arrow lets go of the interpreter while it parses and compresses; the next slices arrive meanwhile. One thread
    # does it all, because what Arrow's allocator keeps for later it keeps for each thread.
    with ThreadPoolExecutor(1, "parquet") as thread:
        run = partial(asyncio.get_running_loop().run_in_executor, thread)
        async with aclosing(csv(ledger, table, extent, header=False)) as pieces:
            async for piece in pieces:
                read = piece.read
                yield Piece(await run(groups.add, piece.data), piece.rows, read)
        yield Piece(await run(groups.end), 0, read)


class _Sink:
    """What Arrow takes for a file, and what it wrote since it was last asked."""

    closed = False

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: Any) -> int:
        self._written.append(bytes(data))
        return len(self._written[-1])

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """The bytes are taken with `drained`."""

    def drained(self) -> bytes:
        data = b"".join(self._written)
        self._written.clear()
        return data


class _Groups:
    """Gathers rows until they make a row group."""

    def __init__(self, table: Table) -> None:
        try:
            import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - it carries no types; only this needs it
            import pyarrow.csv as arrow_csv  # type: ignore[import-untyped]  # noqa: PLC0415 - as above
            import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415 - as above
        except ImportError as error:
            raise Rejected(
                "Parquet needs pyarrow, which is not installed here; install holdfast[audit] or take CSV.",
                code="no_pyarrow",
            ) from error
        types = {
            "word": pa.string(),
            "text": pa.string(),
            "integer": pa.int64(),
            "small": pa.int32(),
            "minor": pa.decimal128(38, 0),
            "time": pa.timestamp("us", tz="UTC"),
        }
        self._pa, self._csv = pa, arrow_csv
        self._schema = pa.schema([(name, types[kind]) for name, kind in table.columns.items()])
        self._sink = _Sink()
        self._writer = pq.ParquetWriter(
            pa.PythonFile(self._sink, mode="w"),
            self._schema,
            compression="zstd",
            # A dictionary of what never recurs costs a third of the time and makes the file larger.
            use_dictionary=[name for name, kind in table.columns.items() if kind in {"word", "time"}],
        )
        self._rows: list[Any] = []
        self._bytes = 0

    def add(self, text: bytes) -> bytes:
        """Take rows as CSV; the bytes of the row groups that they filled, often none."""
        if text:
            rows = self._parsed(text)
            self._rows.append(rows)
            self._bytes += rows.nbytes
        if self._bytes >= GROUP_BYTES:
            self._write()
        return self._sink.drained()

    def end(self) -> bytes:
        """The last row group and the footer."""
        if self._rows:
            self._write()
        self._writer.close()
        return self._sink.drained()

    def _write(self) -> None:
        self._writer.write_table(self._pa.concat_tables(self._rows))
        self._rows.clear()
        self._bytes = 0

    def _parsed(self, text: bytes) -> Any:
        arrow = self._csv
        return arrow.read_csv(
            self._pa.BufferReader(text),
            # One block: a row must not straddle two, however long it is.
            arrow.ReadOptions(column_names=self._schema.names, block_size=len(text) + 1),
            arrow.ParseOptions(newlines_in_values=True),
            arrow.ConvertOptions(
                column_types=self._schema,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
