"""A book as long as one likes: `python -m tests.integration.audit.long_book DATABASE_URL EVENTS`."""

from __future__ import annotations

import asyncio
import sys

from libs.eventstore.ledger import open_ledger
from libs.eventstore.model import Appended
from tests.integration.eventstore.units import capture, unit

BATCH_EVENTS = 1_000


async def lengthen(url: str, events: int) -> None:
    """Append so many events, a thousand to a block."""
    async with open_ledger(url, None) as ledger:
        for _ in range(0, events, BATCH_EVENTS):
            outcomes = await ledger.store.append([unit(capture()) for _ in range(BATCH_EVENTS)])
            assert all(isinstance(outcome, Appended) for outcome in outcomes)


if __name__ == "__main__":
    asyncio.run(lengthen(sys.argv[1], int(sys.argv[2])))
