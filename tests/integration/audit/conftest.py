from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from libs.eventstore.ledger import Ledger, open_ledger
from tests.integration.eventstore.units import capture, hold, unit


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Ledger]:
    """The ledger as its owner sees it, who can also forge it."""
    async with open_ledger(database_url, None) as opened:
        yield opened


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    """The ledger as the audit service sees it."""
    async with open_ledger(database_url, "audit") as opened:
        yield opened


@pytest.fixture
async def written(owner: Ledger) -> Ledger:
    """Ten events in four blocks: 1-4, 5, 6-9, 10. Captured 600 in all, 400 of it held."""
    await owner.store.append([unit(capture(100), hold(100), capture(200), hold(100))])
    await owner.store.append([unit()])
    await owner.store.append([unit(capture(300), hold(200), (), ())])
    await owner.store.append([unit()])
    return owner
