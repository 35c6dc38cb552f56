"""Connections to PostgreSQL, each in the role and the schema of the service that uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg

from libs.ledger.errors import Unavailable

Connection = asyncpg.pool.PoolConnectionProxy

_GONE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.InternalClientError,  # "cannot switch to state": the server died in the middle of a statement
)


@contextmanager
def availability() -> Iterator[None]:
    """Turn the many ways in which a database is not there into `Unavailable`."""
    try:
        yield
    except _GONE as error:
        raise Unavailable(
            f"The database does not answer ({error or type(error).__name__}).", code="database_down"
        ) from error


async def _prepare(connection: asyncpg.Connection) -> None:
    # Every numeric of ours is a whole number of minor units.
    await connection.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=int, format="text")


async def _keep_session(_connection: asyncpg.Connection) -> None:
    """Nothing of ours changes a session, and asyncpg's own reset would double the round trips of every statement."""


@asynccontextmanager
async def open_pool(url: str, service: str | None, *, connections_max: int = 8) -> AsyncIterator[asyncpg.Pool]:
    """A pool whose connections act as `holdfast_{service}` and find that service's tables without a prefix.

    `service=None` keeps the login role and sees the ledger only. Connects lazily: a database that is down is met by the
    first query, as `Unavailable`.
    """
    settings = {"timezone": "UTC", "application_name": f"holdfast {service or 'ledger'}"}
    if service is not None:
        settings |= {"role": f"holdfast_{service}", "search_path": service}
    pool = asyncpg.create_pool(
        url,
        min_size=0,
        max_size=connections_max,
        init=_prepare,
        reset=_keep_session,
        server_settings=settings,
        command_timeout=60,
        timeout=10,
    )
    async with pool:
        yield pool
