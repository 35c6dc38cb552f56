"""An export is whole or visibly not, says what it holds, and holds what was asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from libs.eventstore.leaves import GENESIS
from libs.eventstore.ledger import Ledger
from libs.ledger.errors import Corrupt, Rejected
from services.audit.cli.export import add
from services.audit.export.extent import extent
from services.audit.export.files import CONTENTS, Format
from services.audit.export.folder import MANIFEST, export
from services.audit.proofs.progress import Progress, Step
from services.audit.proofs.verify import verify
from tests.conftest import Databases
from tests.integration.audit.export_book import marketplace
from tests.integration.audit.forgery import forge
from tests.integration.audit.test_cli import run


@pytest.fixture(scope="module")
async def shop(databases: Databases) -> AsyncIterator[Ledger]:
    async with marketplace(databases) as ledger:
        yield ledger


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class Stopped(Exception):
    pass


def stop_at(name: str) -> Progress:
    def stop(step: Step) -> None:
        if step.what == name:
            raise Stopped

    return stop


async def test_the_manifest_tells_what_the_folder_holds(shop: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there" / "yet"
    manifest = await export(shop, folder, await extent(shop), list(Format))
    assert json.loads((folder / MANIFEST).read_text()) == manifest.json()
    assert (manifest.first_position, manifest.last_position, manifest.events) == (1, 22, 22)
    assert (manifest.first_block, manifest.last_block) == (1, 5)
    assert manifest.head == (await verify(shop)).head
    assert names_in(folder) == {MANIFEST, *CONTENTS}
    for file in manifest.files:
        data = (folder / file.name).read_bytes()
        assert (file.size_bytes, file.sha256) == (len(data), sha256(data).hexdigest())
    rows = {file.name: file.rows for file in manifest.files}
    assert (rows["events.csv"], rows["postings.parquet"], rows["journal.hledger"]) == (22, 52, 20)


async def test_the_same_positions_give_the_same_files(shop: Ledger, tmp_path: Path) -> None:
    part = await extent(shop)
    first, again = [await export(shop, tmp_path / name, part, list(Format)) for name in ("a", "b")]
    assert first == again


async def test_progress_reaches_the_end_of_every_file(shop: Ledger, tmp_path: Path) -> None:
    last: dict[str, Step] = {}

    def keep(step: Step) -> None:
        last[step.what] = step

    await export(shop, tmp_path, await extent(shop, 3), list(Format), progress=keep)
    assert set(last) == {*CONTENTS, "balances"}  # those before position 3 are summed up for the journals
    assert all(step.done == step.total and step.per_second > 0 for step in last.values())


async def test_a_folder_with_anything_in_it_is_refused(shop: Ledger, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(Rejected) as refused:
        await export(shop, tmp_path, await extent(shop), [Format.CSV])
    assert refused.value.code == "folder_not_empty"
    assert names_in(tmp_path) == {"mine.txt"}


async def test_force_replaces_an_export_and_nothing_else(shop: Ledger, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    await export(shop, tmp_path, await extent(shop), [Format.PARQUET, Format.HLEDGER], force=True)
    await export(shop, tmp_path, await extent(shop, 5), [Format.BEANCOUNT], force=True)
    assert names_in(tmp_path) == {"mine.txt", MANIFEST, "journal.beancount"}
    assert json.loads((tmp_path / MANIFEST).read_text())["first_position"] == 5


@pytest.mark.parametrize("name", CONTENTS)
async def test_an_interrupted_export_has_no_manifest_and_the_file_no_name(
    shop: Ledger, tmp_path: Path, name: str
) -> None:
    part = await extent(shop)
    await export(shop, tmp_path, part, list(Format))
    with pytest.raises(Stopped):
        await export(shop, tmp_path, part, list(Format), force=True, progress=stop_at(name))
    left = names_in(tmp_path)
    assert not left & {MANIFEST, name}
    assert [each for each in left if each.endswith(".partial")] == [f"{name}.partial"]


async def test_a_folder_that_cannot_be_written_is_a_sentence(shop: Ledger, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Rejected) as refused:
        await export(shop, tmp_path / "file" / "folder", await extent(shop), [Format.CSV])
    assert refused.value.code == "folder_unusable"


async def test_without_pyarrow_parquet_is_refused_and_csv_is_not(
    shop: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Rejected, match=r"install holdfast\[audit\] or take CSV"):
        await export(shop, tmp_path / "a", await extent(shop), [Format.PARQUET])
    await export(shop, tmp_path / "b", await extent(shop), [Format.CSV])


async def test_an_extent_ends_at_a_position_or_with_what_was_recorded_by_a_time(shop: Ledger) -> None:
    sealed = [row["sealed_at"] for row in await shop.pool.fetch("select sealed_at from ledger.blocks order by block")]
    whole = await extent(shop)
    assert (whole.first, whole.last, whole.blocks) == (1, 22, range(1, 6))
    assert whole.live is not None
    by_time = await extent(shop, end=sealed[1])
    assert (by_time.first, by_time.last, by_time.blocks, by_time.live) == (1, 6, range(1, 3), None)
    assert (await extent(shop, sealed[1])).first == 6
    part = await extent(shop, 6, 6)
    assert (part.first, part.last, part.blocks, part.head) == (6, 6, range(2, 3), by_time.head)
    assert (await extent(shop, 9, 17)).blocks == range(3, 5)
    before = await extent(shop, end=sealed[0] - timedelta(microseconds=1))
    assert (before.events, before.head, before.last_block) == (0, GENESIS, 0)


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [(9, 7, "empty_range"), (1, 23, "position_ahead"), (24, None, "position_ahead")],
)
async def test_a_range_that_is_not_there_is_refused(shop: Ledger, first: int, last: int | None, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        await extent(shop, first, last)
    assert refused.value.code == code


async def test_a_position_that_no_block_covers_is_corrupt(written: Ledger, ledger: Ledger) -> None:
    await forge(written, "update ledger.events set recorded_at = recorded_at + interval '1 second' where position = 6")
    with pytest.raises(Corrupt, match="No block covers position 6"):
        await extent(ledger, 6)
    with pytest.raises(Corrupt, match="No block covers position 6"):
        await extent(ledger, 1, 6)


async def test_the_command_writes_and_tells(written: Ledger, database_url: str, tmp_path: Path) -> None:
    folder = str(tmp_path / "out")
    done = run(database_url, "export", folder, "--format", "csv", "--format", "hledger", "--from", "2", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report == json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert (report["first_position"], report["last_position"]) == (2, 10)
    as_of = datetime.now(UTC).isoformat()
    shown = run(database_url, "export", folder, "--force", "--as-of", as_of).stdout
    assert "positions 1 to 10" in shown
    assert "events.parquet" in shown


def test_two_ends_are_refused() -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    add(app)
    done = CliRunner().invoke(app, ["export", "out", "--to", "3", "--as-of", "2026-11-02"])
    assert isinstance(done.exception, Rejected)
    assert done.exception.code == "two_moments"
