"""Migrations: once each, together or not at all, and never changed afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from libs.devstack.postgres import Postgres
from libs.eventstore.migrate import LEDGER, migrate
from libs.ledger.errors import Corrupt, Unavailable


async def test_migrating_at_once_and_again_applies_each_file_once(every_postgres: Postgres) -> None:
    url = await every_postgres.create_database("migrate_twice")
    first, second = await asyncio.gather(migrate(url, LEDGER), migrate(url, LEDGER))
    assert sorted(first + second) == ["ledger/001_ledger.sql", "ledger/002_append.sql", "ledger/003_roles.sql"]
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
