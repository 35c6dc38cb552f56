from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from libs.eventstore.ledger import Ledger, open_ledger


@pytest.fixture
async def ledger(every_database_url: str) -> AsyncIterator[Ledger]:
    """A ledger as its owner sees it, on both PostgreSQL versions."""
    async with open_ledger(every_database_url, None) as opened:
        yield opened
