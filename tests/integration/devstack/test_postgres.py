from __future__ import annotations

import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from libs.devstack import postgres
from libs.devstack.errors import MissingServer, NotOurServer, ServerFailed
from libs.devstack.postgres import Postgres, running_postgres


async def _value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("version", [16, 18])
async def test_each_version_is_the_one_it_says_and_syncs_to_disk(version: int) -> None:
    async with running_postgres(version) as server:
        assert str(await _value(server.url, "SHOW server_version")).startswith(f"{version}.")
        assert await _value(server.url, "SHOW fsync") == "on"
        assert await _value(server.url, "SHOW synchronous_commit") == "on"
        assert int(str(await _value(server.url, "SHOW max_connections"))) >= 200


async def test_a_database_made_from_a_template_has_what_the_template_has(postgres_server: Postgres) -> None:
    template = await postgres_server.create_database("devstack_template")
    await _execute(template, "CREATE TABLE kept AS SELECT 42 AS answer")
    copy = await postgres_server.create_database("devstack_copy", template="devstack_template")
    assert await _value(copy, "SELECT answer FROM kept") == 42
    await postgres_server.drop_database("devstack_copy")
    await postgres_server.drop_database("devstack_template")


async def test_committed_rows_outlive_stops_and_kills_on_the_same_port() -> None:
    async with running_postgres() as server:
        await _execute(server.url, "CREATE TABLE kept (n int)")
        for count, end in enumerate((server.stop, server.kill), start=1):
            await _execute(server.url, "INSERT INTO kept VALUES (1)")
            await end()
            with pytest.raises(OSError, match="Connect call failed"):
                await asyncpg.connect(server.url)
            await server.start()
            assert await _value(server.url, "SELECT count(*) FROM kept") == count


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that others may pass: where root runs the tests, the server is somebody else."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(path.stat().st_mode | stat.S_IXOTH)
        yield path


async def test_a_given_data_folder_is_kept_for_the_next_start(open_folder: Path) -> None:
    async with running_postgres(data_folder=open_folder / "data") as server:
        await _execute(server.url, "CREATE TABLE kept AS SELECT 7 AS answer")
    async with running_postgres(data_folder=open_folder / "data") as server:
        assert await _value(server.url, "SELECT answer FROM kept") == 7


async def test_settings_can_be_tuned() -> None:
    async with running_postgres(work_mem="13MB") as server:
        assert await _value(server.url, "SHOW work_mem") == "13MB"


async def test_a_server_that_cannot_start_says_why() -> None:
    with pytest.raises(ServerFailed, match="no_such_setting"):
        async with running_postgres(no_such_setting=1):
            pass


async def test_a_version_that_nobody_has_is_refused_with_what_to_do() -> None:
    with pytest.raises(MissingServer, match="give the URL of a server"):
        async with running_postgres(version=9):
            pass


async def test_a_server_given_by_url_cannot_be_stopped(postgres_server: Postgres) -> None:
    given = await postgres.attach(postgres_server.url)
    with pytest.raises(NotOurServer):
        await given.stop()
    assert await _value(given.url, "SELECT 1") == 1
