"""A ledger survives being dumped and restored: its order, its proofs, its read models and what it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from libs.devstack import postgres_wheel
from libs.devstack.postgres import Postgres
from libs.eventstore.ledger import open_ledger
from libs.eventstore.model import Appended, Duplicate, Recorded
from libs.eventstore.projector import Projector
from libs.ledger.errors import Rejected
from services.audit.proofs.replay import replay
from services.audit.proofs.verify import verify
from services.migrations import migrate_all
from tests.integration.eventstore.applying import projection
from tests.integration.eventstore.units import capture, hold, stream, unit


async def _post(connection: Any, events: Sequence[Recorded]) -> None:
    await connection.executemany(
        "insert into posted values ($1, 1) on conflict (account) do update set times = posted.times + 1",
        [(account,) for event in events for account in event.accounts],
    )


POSTED = projection("posted", {"posted": ()}, None, _post)

_ROWS = (
    "select * from ledger.books order by book",
    "select *, data::text from ledger.events order by book, position",
    "select * from ledger.balances order by book, account, currency",
    "select * from ledger.keys order by book, key",
    "select * from ledger.blocks order by book, block",
    "select * from ledger.chart order by pattern",
    "select * from ledger.writers order by role, kind",
    "select * from audit.checkpoints order by name",
    "select * from audit.posted order by account",
    "select * from public.holdfast_migrations order by component, name",
)
# The owner's own rights are left out: a newer PostgreSQL knows more of them.
_RIGHTS = (
    """select table_schema, table_name, grantee, privilege_type from information_schema.role_table_grants
        where grantee like 'holdfast%' order by 1, 2, 3, 4""",
    """select p.oid::regprocedure::text, p.prosecdef, p.proconfig, a.grantee::regrole::text, a.privilege_type
         from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        where p.pronamespace = 'ledger'::regnamespace order by 1, 4""",
    """select tgrelid::regclass::text, tgname, tgenabled::text, tgfoid::regprocedure::text from pg_trigger
        where not tgisinternal order by 1, 2""",
    """select d.defaclnamespace::regnamespace::text, a.grantee::regrole::text, d.defaclobjtype::text, a.privilege_type
         from pg_default_acl d, aclexplode(d.defaclacl) a order by 1, 2, 3, 4""",
)


async def _everything(url: str) -> dict[str, list[tuple[Any, ...]]]:
    connection = await asyncpg.connect(url)
    try:
        return {query: [tuple(row) for row in await connection.fetch(query)] for query in (*_ROWS, *_RIGHTS)}
    finally:
        await connection.close()


async def _run(program: str, *arguments: object) -> None:
    process = await asyncio.create_subprocess_exec(
        postgres_wheel.binaries(18) / program, *map(str, arguments), stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()


@pytest.fixture
async def dumped(every_database_url: str, tmp_path: Path) -> Path:
    """A dump of a ledger with history in two books, and a read model that has seen it."""
    async with open_ledger(every_database_url, None) as owner, open_ledger(every_database_url, "audit") as audit:
        await owner.pool.execute("insert into ledger.books (book) values (2)")
        await owner.pool.execute("create table audit.posted (account text primary key, times integer not null)")
        for number in range(5):
            await owner.store.append([unit(capture(2**80), hold(), key=f"{number}"), unit(capture(5)), unit()])
        await type(owner.store)(owner.pool, 2).append([unit(capture(7))])
        await Projector(audit.pool, audit.feed, POSTED).catch_up()
    dump = tmp_path / "ledger.dump"
    await _run("pg_dump", "--format=custom", f"--file={dump}", every_database_url)
    return dump


@pytest.fixture
async def restored(dumped: Path, postgres_server: Postgres) -> AsyncIterator[str]:
    """Restored on PostgreSQL 18, whichever version it came from."""
    name = f"restored_{dumped.parent.name}"
    url = await postgres_server.create_database(name)
    await _run("pg_restore", "--exit-on-error", f"--dbname={url}", dumped)
    yield url
    await postgres_server.drop_database(name)


async def test_a_restored_ledger_is_the_one_that_was_dumped_and_goes_on(every_database_url: str, restored: str) -> None:
    assert await _everything(restored) == await _everything(every_database_url)
    assert await migrate_all(restored) == []
    async with open_ledger(restored, "payment") as payment, open_ledger(restored, "audit") as audit:
        before = await verify(audit)
        assert (before.position, before.faults) == (20, [])
        assert (await replay(audit, [("audit", POSTED)])).equal

        again = await payment.store.append([unit(capture(2**80), hold(), key="4"), unit(capture(1), hold(1))])
        assert again == [Duplicate(range(17, 19)), Appended(range(21, 23))]
        with pytest.raises(Rejected, match="may not write"):
            await payment.writer.append(unit(to=stream().replace("payment", "escrow")))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await payment.pool.execute("delete from ledger.events")
        await Projector(audit.pool, audit.feed, POSTED).catch_up()
        assert await audit.pool.fetchval("select position from checkpoints where name = 'posted'") == 22
        assert (await replay(audit, [("audit", POSTED)])).equal
        assert (await verify(audit)).faults == []
    owner = await asyncpg.connect(restored)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await owner.execute("delete from ledger.events")
    await owner.close()
