"""A PostgreSQL server for a benchmark, tuned as infra/postgres tunes the real one; fsync is on for every side."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg

from libs.devstack.postgres import Postgres, running_postgres

_CONF: Final = Path(__file__).parents[2] / "infra" / "postgres" / "holdfast.conf"
# Where it listens and what it logs is the machine's affair. Sessions of a benchmark may rest in a transaction.
_SEGMENTS: Final = 60  # of 16 MB: as many as min_wal_size keeps
_NOT_OURS: Final = ("listen_addresses", "log_", "idle_in_transaction_session_timeout")


def tuning() -> dict[str, str]:
    """The settings of infra/postgres/holdfast.conf that decide how fast a server is."""
    settings = dict(re.findall(r"^(\w+) *= *'?([^'#\n]*?)'?\s*(?:#.*)?$", _CONF.read_text(), flags=re.MULTILINE))
    return {name: value for name, value in settings.items() if not name.startswith(_NOT_OURS)}


@asynccontextmanager
async def tuned_postgres() -> AsyncIterator[Postgres]:
    """A server of its own for the length of the block, one that has run for a while.

    A new server makes every segment of its log anew, which costs more than to write into one that was used before: of
    two sides, that would slow down the one that writes more, although no server in use does it.
    """
    async with running_postgres(**tuning()) as server:  # type: ignore[arg-type]  # settings, none of the named ones
        connection = await asyncpg.connect(server.url)
        for _ in range(_SEGMENTS):
            await connection.execute("select pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()")
        await connection.execute("checkpoint")
        await connection.close()
        yield server
