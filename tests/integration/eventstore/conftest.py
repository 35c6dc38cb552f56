from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from libs.devstack.postgres import Postgres
from libs.eventstore.ledger import Ledger, open_ledger
from tests.integration.eventstore import logins as services


@pytest.fixture
async def ledger(every_database_url: str) -> AsyncIterator[Ledger]:
    """A ledger as its owner sees it, on both PostgreSQL versions."""
    async with open_ledger(every_database_url, None) as opened:
        yield opened


@pytest.fixture
async def logins(every_postgres: Postgres, every_database_url: str) -> AsyncIterator[dict[str, str]]:
    """By role, the URL of a login that may act in it."""
    async with services.logins(every_postgres.url, every_database_url) as urls:
        yield urls


@pytest.fixture
def acting_as(logins: dict[str, str]) -> services.Open:
    return lambda service: open_ledger(logins[service], service)
