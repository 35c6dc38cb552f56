"""Schema migrations: numbered `.sql` files, applied once each, in order, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import asyncpg
import stamina

from libs.eventstore.pool import availability
from libs.ledger.chart import CHART
from libs.ledger.errors import Corrupt

LEDGER: Final = {"ledger": Path(__file__).parent / "sql"}

_HISTORY = """
create table if not exists public.holdfast_migrations (
    component text not null, name text not null, checksum text not null, applied_at timestamptz not null default now(),
    primary key (component, name))
"""


# Roles belong to the server, so migrations of two of its databases at once may meet there; no lock reaches that far.
_COLLISIONS: Final = (asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError, asyncpg.InternalServerError)


@stamina.retry(on=_COLLISIONS, attempts=10, wait_initial=0.05, wait_max=1.0)
async def migrate(url: str, components: Mapping[str, Path], *, book: int = 1) -> list[str]:
    """Bring a database to the newest schema and open its book; the names of the migrations applied now.

    `components` maps a name to a folder of `NNN_*.sql`, in the order of their dependence. Needs the owner's login.
    Raises `Corrupt` when a file that was applied has been changed since, `Unavailable` when no database answers.
    """
    migrations = _read(components)
    with availability():
        connection = await asyncpg.connect(url, timeout=10, server_settings={"timezone": "UTC"})
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(hashtext('holdfast migrations'))")
            await connection.execute(_HISTORY)
            applied = [
                f"{component}/{name}"
                for component, name, text in migrations
                if await _apply(connection, component, name, text)
            ]
            await connection.executemany(
                "insert into ledger.chart (pattern, sign) values ($1, $2) on conflict (pattern) do nothing",
                [(rule.regex, rule.sign) for rule in CHART],
            )
            await connection.execute("insert into ledger.books (book) values ($1) on conflict do nothing", book)
            return applied
    finally:
        await connection.close()


def _read(components: Mapping[str, Path]) -> list[tuple[str, str, str]]:
    return [
        (component, path.name, path.read_text())
        for component, folder in components.items()
        for path in sorted(folder.glob("[0-9]*.sql"))
    ]


async def _apply(connection: asyncpg.Connection, component: str, name: str, text: str) -> bool:
    checksum = sha256(text.encode()).hexdigest()
    known = await connection.fetchval(
        "select checksum from public.holdfast_migrations where component = $1 and name = $2", component, name
    )
    if known is None:
        await connection.execute(text)
        await connection.execute(
            "insert into public.holdfast_migrations (component, name, checksum) values ($1, $2, $3)",
            component,
            name,
            checksum,
        )
    elif known != checksum:
        raise Corrupt(f"{component}/{name} was changed after it was applied; write a new migration instead.")
    return known is None
