"""A PostgreSQL server for a developer or a test: given by URL, else a container, else the binaries of a wheel.

fsync stays on: what survives a `kill -9` is part of what is tested, and durable commits are what is measured.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from libs.devstack.container import Container, docker_answers
from libs.devstack.machine import Elsewhere, Machine, until_it_answers
from libs.devstack.ports import free_port
from libs.devstack.postgres_wheel import wheel_server

StopMode = Literal["smart", "fast", "immediate"]
_SIGNALS: Final[dict[StopMode, signal.Signals]] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}
_START_SECONDS = 60.0
_STOP_SECONDS = 60.0

TUNING: Final[dict[str, str]] = {"max_connections": "200", "timezone": "UTC"}


@dataclass
class Postgres:
    """A running server. `url` leads a superuser to the database `postgres`."""

    url: str
    version: int
    machine: Machine

    async def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, as a copy of `template` where given (nobody may be connected to it); return its URL."""
        source = f' TEMPLATE "{template}"' if template else ""
        await self._administer(f'CREATE DATABASE "{name}"{source}')
        return self.database_url(name)

    async def drop_database(self, name: str) -> None:
        """Drop a database together with the connections to it."""
        await self._administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def database_url(self, name: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    async def start(self) -> None:
        """Start a stopped or killed server again, on the same port and data; returns when it answers."""
        await self.machine.start()
        await until_it_answers("PostgreSQL", self.machine, self._answers, _START_SECONDS)

    async def stop(self, mode: StopMode = "fast") -> None:
        """Stop as `pg_ctl stop -m MODE` does: `fast` breaks connections off, `immediate` recovers at the next start."""
        await self.machine.signal(_SIGNALS[mode])
        await self.machine.stopped(_STOP_SECONDS)

    async def kill(self) -> None:
        """End it as `kill -9` does."""
        await self.machine.signal(signal.SIGKILL)
        await self.machine.stopped(_STOP_SECONDS)

    async def _administer(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _answers(self) -> None:
        await self._administer("SELECT 1")


@asynccontextmanager
async def running_postgres(
    version: int = 18,
    data_folder: Path | None = None,
    *,
    url: str | None = None,
    port: int | None = None,
    **tuning: str | int,
) -> AsyncIterator[Postgres]:
    """A server for the length of the block. `url` names one that runs already; `tuning` are postgresql.conf settings.

    Without `data_folder` the data go with the server. Raises `MissingServer` where there is no way to run one.
    """
    if url is not None:
        yield await attach(url)
        return
    port = port or free_port()
    settings = TUNING | {name: str(value) for name, value in tuning.items()}
    runner = _container if docker_answers() and data_folder is None else wheel_server
    async with runner(version, data_folder, port, settings) as machine:
        server = Postgres(f"postgresql://postgres@127.0.0.1:{port}/postgres", version, machine)
        await server.start()
        try:
            yield server
        finally:
            if machine.running():
                await server.stop("fast" if data_folder else "immediate")


async def attach(url: str) -> Postgres:
    """The server behind a URL, which must lead to a role that may create databases. It cannot be stopped from here."""
    connection = await asyncpg.connect(url)
    try:
        return Postgres(url, connection.get_server_version().major, Elsewhere())
    finally:
        await connection.close()


@asynccontextmanager
async def _container(
    version: int, _data_folder: Path | None, port: int, settings: dict[str, str]
) -> AsyncIterator[Machine]:
    command = " ".join(["postgres", *(f"-c {name}={value}" for name, value in settings.items())])
    container = Container(
        f"postgres:{version}", ports={5432: port}, environment={"POSTGRES_HOST_AUTH_METHOD": "trust"}, command=command
    )
    try:
        yield container
    finally:
        await container.remove()
