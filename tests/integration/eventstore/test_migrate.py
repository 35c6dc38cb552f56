"""Migrations: once each, together or not at all, and never changed afterwards."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from libs.devstack.postgres import Postgres
from libs.eventstore.ledger import open_ledger
from libs.eventstore.migrate import LEDGER, migrate
from libs.eventstore.model import Appended, Change, Duplicate, Key, Moved, Short, Unit, stream_name
from libs.ledger.errors import Corrupt, Unavailable
from libs.ledger.journal import transfer
from services.audit.proofs.replay import replay
from services.audit.proofs.verify import verify
from services.migrations import COMPONENTS, migrate_all
from tests.integration.eventstore.clients import client, migrate_apart
from tests.integration.eventstore.units import META, event, hold, unit

_HISTORY = Path(__file__).parents[2] / "data" / "ledger" / "before_004.sql"
# The migrations of the release that wrote this history, with their checksums: databases out there have applied them.
_RELEASED: dict[str, str] = json.loads(_HISTORY.with_name("released.json").read_text())


def _names(components: Mapping[str, Path]) -> list[str]:
    return sorted(f"{name}/{path.name}" for name, folder in components.items() for path in folder.glob("[0-9]*.sql"))


@pytest.fixture
def previous(tmp_path: Path) -> Mapping[str, Path]:
    """The folders of the previous release."""
    for name, folder in COMPONENTS.items():
        (tmp_path / name).mkdir()
        for path in folder.glob("[0-9]*.sql"):
            if f"{name}/{path.name}" in _RELEASED:
                shutil.copy(path, tmp_path / name)
    return {name: tmp_path / name for name in COMPONENTS}


@pytest.fixture
async def old(every_postgres: Postgres, previous: Mapping[str, Path]) -> AsyncIterator[str]:
    """A database of the previous release, with the history that it wrote."""
    name = f"previous_{previous['ledger'].parent.name}"
    url = await every_postgres.create_database(name)
    await migrate(url, previous)
    connection = await asyncpg.connect(url)
    await connection.execute(_HISTORY.read_text())
    await connection.close()
    yield url
    await every_postgres.drop_database(name)


async def _history(url: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("select *, data::text from ledger.events order by position")
    rows += await connection.fetch("select * from ledger.blocks order by block")
    await connection.close()
    return [tuple(row) for row in rows]


def test_what_was_released_has_not_been_changed_since() -> None:
    paths = {f"{name}/{path.name}": path for name, folder in COMPONENTS.items() for path in folder.glob("[0-9]*.sql")}
    assert {name: sha256(paths[name].read_bytes()).hexdigest() for name in _RELEASED} == _RELEASED


async def test_the_previous_release_migrates_from_two_processes_at_once_and_keeps_every_byte(
    old: str, previous: Mapping[str, Path]
) -> None:
    before = await _history(old)
    async with AsyncExitStack() as stack:
        apart = [await stack.enter_async_context(client(migrate_apart, old)) for _ in range(2)]
        assert [await each.hears() for each in apart] == ["ready", "ready"]
        for each in apart:
            each.tell("go")
        applied = [name for each in apart for name in await each.hears()]
    assert sorted(applied) == sorted(set(_names(COMPONENTS)) - set(_names(previous)))
    assert applied, "nothing new, no test"
    assert await migrate_all(old) == []
    assert await _history(old) == before


async def test_history_of_the_previous_release_is_proven_and_goes_on(old: str) -> None:
    await migrate_all(old)
    async with open_ledger(old, "audit") as audit, open_ledger(old, "payment") as payment:
        found = await verify(audit)
        assert (found.position, found.block, found.faults) == (9, 4, [])
        assert (await replay(audit, [])).equal

        placed = Key("order.placed/o-1", sha256(b"order.placed/o-1").digest())
        first = stream_name("payment", UUID(int=1))
        deposit = transfer("ETH@1", 2**90, debit="funds:unallocated", credit="escrow:held")
        assert await payment.store.append(
            [
                Unit([Change(first, 0, [event()])], META, placed),
                unit(to=stream_name("payment", UUID(int=2)), version=0),
                unit(hold(1)),
                unit(deposit, to=first, version=3),
            ]
        ) == [
            Duplicate(range(1, 3)),
            Moved(stream_name("payment", UUID(int=2)), 1),
            Short("funds:unallocated", "USD", 0),
            Appended(range(10, 11)),
        ]
        assert (await verify(audit)).faults == []
        assert (await replay(audit, [])).equal


async def test_migrating_at_once_and_again_applies_each_file_once(every_postgres: Postgres) -> None:
    url = await every_postgres.create_database("migrate_twice")
    first, second = await asyncio.gather(migrate(url, LEDGER), migrate(url, LEDGER))
    assert sorted(first + second) == _names(LEDGER)
    assert await migrate(url, LEDGER) == []
    await every_postgres.drop_database("migrate_twice")


async def test_a_migration_that_was_changed_is_refused_and_a_failing_one_leaves_nothing(
    every_postgres: Postgres, tmp_path: Path
) -> None:
    url = await every_postgres.create_database("migrate_changed")
    shelf = tmp_path / "001_shelf.sql"
    shelf.write_text("create table shelf (n int)")
    await migrate(url, LEDGER | {"depot": tmp_path})
    (tmp_path / "002_broken.sql").write_text("create table box (n int); select 1 / 0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(url, LEDGER | {"depot": tmp_path})
    (tmp_path / "002_broken.sql").unlink()
    shelf.write_text("create table shelf (n bigint)")
    with pytest.raises(Corrupt, match="001_shelf"):
        await migrate(url, LEDGER | {"depot": tmp_path})
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("select to_regclass('box')") is None
    await connection.close()
    await every_postgres.drop_database("migrate_changed")


async def test_a_database_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await migrate("postgresql://nobody@127.0.0.1:1/none", LEDGER)
