"""Real servers for every test that asks: one of each kind a run, a database and a virtual host of its own each.

HOLDFAST_TEST_POSTGRES_16_URL, HOLDFAST_TEST_POSTGRES_18_URL, HOLDFAST_TEST_AMQP_URL (with
HOLDFAST_TEST_AMQP_MANAGEMENT_URL) name servers to use instead. Nothing is skipped: a server that cannot be had fails.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from libs.devstack import postgres, rabbitmq
from libs.devstack.postgres import Postgres
from libs.devstack.rabbitmq import RabbitMQ
from services.migrations import migrate_all
from tests.keeper import shared_server

STRIPE_KEY_VARIABLE: Final = "STRIPE_API_KEY"
_serial = itertools.count(1)


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end. The garbage collector would walk over it again and again,
    a second at a time, and an answer of the Stripe twin that comes a second late counts as lost.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Whether Stripe was asked is said in every run: nothing is left out silently."""
    key = os.environ.get(STRIPE_KEY_VARIABLE)
    terminalreporter.write_line(
        f"Stripe itself: {'asked by its test account' if key else f'not run, {STRIPE_KEY_VARIABLE} is not set'}"
    )


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run share, and no other run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@contextmanager
def _postgres_url(version: int, run_folder: Path) -> Iterator[str]:
    given = os.environ.get(f"HOLDFAST_TEST_POSTGRES_{version}_URL")
    if given:
        yield given
        return
    with shared_server(f"postgres-{version}", run_folder) as address:
        yield address["url"]


@pytest.fixture(scope="session")
async def postgres_server(run_folder: Path) -> AsyncIterator[Postgres]:
    """The run's PostgreSQL 18. Not to be stopped: a test that does that starts its own with `running_postgres()`."""
    with _postgres_url(18, run_folder) as url:
        yield await postgres.attach(url)


@pytest.fixture(scope="session", params=[16, 18], ids=["postgres16", "postgres18"])
async def every_postgres(request: pytest.FixtureRequest, run_folder: Path) -> AsyncIterator[Postgres]:
    """PostgreSQL 16, then 18: for tests of the store, which must hold on both."""
    with _postgres_url(request.param, run_folder) as url:
        yield await postgres.attach(url)


class Databases:
    """Makes migrated databases on one server: the migrations run once, the rest are copies (100 ms with fsync)."""

    def __init__(self, server: Postgres, run_folder: Path) -> None:
        self._server = server
        self._run_folder = run_folder
        self._template: str | None = None

    async def create(self) -> str:
        """The URL of a new one."""
        if self._template is None:
            self._template = _name("template")
            url = await self._server.create_database(self._template)
            # Roles belong to the server: two workers' migrations at once would both create them.
            with (self._run_folder / "migrations.lock").open("a") as lock:
                await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
                await migrate_all(url)
        return await self._server.create_database(_name("test"), template=self._template)

    async def drop(self, url: str) -> None:
        await self._server.drop_database(url.rpartition("/")[2])

    async def close(self) -> None:
        if self._template is not None:
            await self._server.drop_database(self._template)


@pytest.fixture(scope="session")
async def databases(postgres_server: Postgres, run_folder: Path) -> AsyncIterator[Databases]:
    """For a test that needs several databases, or one that outlives it."""
    made = Databases(postgres_server, run_folder)
    yield made
    await made.close()


@pytest.fixture(scope="session")
async def every_databases(every_postgres: Postgres, run_folder: Path) -> AsyncIterator[Databases]:
    made = Databases(every_postgres, run_folder)
    yield made
    await made.close()


@pytest.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    """A migrated database of this test's own, on PostgreSQL 18."""
    url = await databases.create()
    yield url
    await databases.drop(url)


@pytest.fixture
async def every_database_url(every_databases: Databases) -> AsyncIterator[str]:
    """A migrated database of this test's own, once on PostgreSQL 16 and once on 18."""
    url = await every_databases.create()
    yield url
    await every_databases.drop(url)


@pytest.fixture(scope="session")
def rabbitmq_server(run_folder: Path) -> Iterator[RabbitMQ]:
    """The run's RabbitMQ. Not to be stopped: a test that does that starts its own with `running_rabbitmq()`."""
    with ExitStack() as stack:
        given = os.environ.get("HOLDFAST_TEST_AMQP_URL")
        if given:
            yield rabbitmq.attach(given, os.environ.get("HOLDFAST_TEST_AMQP_MANAGEMENT_URL"))
        else:
            address = stack.enter_context(shared_server("rabbitmq", run_folder))
            yield rabbitmq.attach(address["url"], address["management_url"])


@pytest.fixture
async def amqp_url(rabbitmq_server: RabbitMQ) -> AsyncIterator[str]:
    """A virtual host of this test's own."""
    name = _name("test")
    yield await rabbitmq_server.create_vhost(name)
    await rabbitmq_server.delete_vhost(name)


def _name(purpose: str) -> str:
    return f"holdfast_{purpose}_{os.getpid()}_{next(_serial)}"
