"""Parquet and CSV hold the whole book, and DuckDB proves it with the queries of the README and nothing of ours."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq  # type: ignore[import-untyped] # it carries no types
import pytest

from libs.eventstore.leaves import leaf_of_recorded
from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Recorded
from libs.eventstore.store import SQL, recorded
from libs.ledger.errors import Corrupt
from services.audit.export import parquet, tables
from services.audit.export.extent import extent
from services.audit.export.files import Format
from services.audit.export.folder import export
from tests.conftest import Databases
from tests.integration.audit.export_book import marketplace, ours, write
from tests.integration.audit.forgery import forge, mend_leaf

README = Path(export.__code__.co_filename).with_name("README.md")
QUERIES = dict(re.findall(r"```sql\n-- ([\w ]+)\n(.*?);\n```", README.read_text(), re.DOTALL))
DUCKDB_TYPES = {
    "word": "varchar",
    "text": "varchar",
    "integer": "bigint",
    "small": "integer",
    "minor": "decimal(38,0)",
    "time": "timestamptz",
}


@pytest.fixture(scope="module")
async def shop(every_databases: Databases) -> AsyncIterator[Ledger]:
    async with marketplace(every_databases) as ledger:
        yield ledger


@pytest.fixture(scope="module")
async def folder(shop: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole book, to be read only."""
    path = tmp_path_factory.mktemp("tables")
    await export(shop, path, await extent(shop), [Format.PARQUET, Format.CSV])
    return path


def ask(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute(f"set file_search_path = '{folder}'; set timezone = 'UTC'")
        return connection.sql(query).fetchall()


def test_the_readme_has_the_queries() -> None:
    assert list(QUERIES) == ["trial balance", "changed events", "broken blocks"]


async def test_duckdb_comes_to_our_trial_balance(shop: Ledger, folder: Path) -> None:
    rows = ask(folder, QUERIES["trial balance"])
    assert {(account, code): debit - credit for _, account, code, _, debit, credit in rows} == await ours(shop)
    assert {(row[2], row[3]) for row in rows} == {("USD", 2), ("JPY", 0), ("KWD", 3), ("USDC@8453", 6), ("ETH@1", 18)}
    assert ("income", "revenue:commission") in {row[:2] for row in rows}


def test_duckdb_finds_every_hash_to_follow_from_the_export(folder: Path) -> None:
    assert ask(folder, QUERIES["changed events"]) == []
    assert ask(folder, QUERIES["broken blocks"]) == []
    everything = QUERIES["changed events"].replace("leaf <> sha256", "leaf = sha256")
    assert [position for (position,) in ask(folder, everything)] == list(range(1, 23))


async def test_duckdb_finds_what_was_forged(owner: Ledger, ledger: Ledger, tmp_path: Path) -> None:
    await write(owner)
    await forge(
        owner,
        "update ledger.events set amounts = array[2, -2] where position = 5",
        "update ledger.events set actor = 'x' where position = 8",
        "update ledger.events set reason = null where position = 6",
        "update ledger.blocks set hash = sha256('') where block = 4",
    )
    await mend_leaf(owner, 8)
    await export(ledger, tmp_path, await extent(ledger), [Format.PARQUET])
    assert ask(tmp_path, QUERIES["changed events"]) == [(5,), (6,)]
    assert ask(tmp_path, QUERIES["broken blocks"]) == [(3,), (4,), (5,)]


async def test_the_events_can_be_put_together_again_with_their_leaves(shop: Ledger, folder: Path) -> None:
    lines: dict[int, list[dict[str, Any]]] = {}
    for line in pq.read_table(folder / "postings.parquet").to_pylist():
        lines.setdefault(line["position"], []).append(line)
    rebuilt = []
    for row in pq.read_table(folder / "events.parquet").to_pylist():
        posted = lines.get(row["position"], [])
        assert [line["line"] for line in posted] == list(range(1, len(posted) + 1))
        columns = ([line[name] for line in posted] for name in ("account", "currency"))
        data, leaf = row.pop("data"), row.pop("leaf")
        amounts = [int(line["amount_minor"]) for line in posted]
        fields: list[Any] = [*row.values(), *columns, amounts, data, bytes.fromhex(leaf)]
        rebuilt.append(Recorded(*fields))
    stored = await shop.pool.fetch(SQL.read, 1, 0, 22, None)
    assert rebuilt == [recorded(row) for row in stored]
    assert all(leaf_of_recorded(event) == event.leaf for event in rebuilt)


@pytest.mark.parametrize("table", tables.TABLES, ids=lambda table: table.name)
def test_csv_equals_parquet(folder: Path, table: tables.Table) -> None:
    types = ", ".join(f"'{name}': '{DUCKDB_TYPES[kind]}'" for name, kind in table.columns.items())
    as_written = "header = true, nullstr = '', allow_quoted_nulls = false"
    of_csv = f"from read_csv('{table.name}.csv', {as_written}, columns = {{{types}}})"
    of_parquet = f"from '{table.name}.parquet'"
    assert ask(folder, f"({of_csv}) except all ({of_parquet})") == []
    assert ask(folder, f"({of_parquet}) except all ({of_csv})") == []
    [(count,)] = ask(folder, f"select count(*) {of_parquet}")
    assert count == {"events": 22, "postings": 52, "blocks": 5}[table.name]


def test_parquet_has_exact_types(folder: Path) -> None:
    schema = pq.read_schema(folder / "postings.parquet")
    assert str(schema.field("amount_minor").type) == "decimal128(38, 0)"
    assert str(schema.field("recorded_at").type) == "timestamp[us, tz=UTC]"
    metadata = pq.ParquetFile(folder / "events.parquet").metadata
    assert metadata.row_group(0).column(0).compression == "ZSTD"


async def test_many_slices_and_row_groups_hold_what_one_does(
    shop: Ledger, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "SLICE_ROWS", 3)
    monkeypatch.setattr(parquet, "GROUP_BYTES", 1_000)
    await export(shop, tmp_path, await extent(shop), [Format.PARQUET, Format.CSV])
    for table in tables.TABLES:
        assert (tmp_path / f"{table.name}.csv").read_bytes() == (folder / f"{table.name}.csv").read_bytes()
        sliced, whole = (pq.ParquetFile(path / f"{table.name}.parquet") for path in (tmp_path, folder))
        assert sliced.read().equals(whole.read())
    assert pq.ParquetFile(tmp_path / "events.parquet").num_row_groups > 3


async def test_a_range_holds_its_events_and_every_block_that_they_are_in(shop: Ledger, tmp_path: Path) -> None:
    part = await extent(shop, 6, 19)
    await export(shop, tmp_path, part, [Format.PARQUET])
    assert ask(tmp_path, "select min(position), max(position), count(*) from 'events.parquet'") == [(6, 19, 14)]
    blocks = ask(tmp_path, "select block, first_position, last_position from 'blocks.parquet'")
    assert blocks == [(2, 6, 6), (3, 7, 16), (4, 17, 17), (5, 18, 22)]
    assert ask(tmp_path, QUERIES["broken blocks"]) == [(5,)]  # it reaches beyond the export
    assert ask(tmp_path, QUERIES["changed events"]) == []


async def test_an_empty_book_has_tables_without_rows(ledger: Ledger, tmp_path: Path) -> None:
    await export(ledger, tmp_path, await extent(ledger), [Format.PARQUET, Format.CSV])
    for table in tables.TABLES:
        assert (tmp_path / f"{table.name}.csv").read_text() == ",".join(table.columns) + "\n"
        assert ask(tmp_path, f"from '{table.name}.parquet'") == []
    for query in QUERIES.values():
        assert ask(tmp_path, query) == []


@pytest.mark.parametrize("format_", Format)
async def test_an_event_that_is_missing_is_no_hole_in_the_export_but_an_error(
    written: Ledger, ledger: Ledger, tmp_path: Path, format_: Format
) -> None:
    await forge(written, "delete from ledger.events where position = 7")
    with pytest.raises(Corrupt, match=r"events 1 to 10 only 9 are there"):
        await export(ledger, tmp_path, await extent(ledger), [format_])
