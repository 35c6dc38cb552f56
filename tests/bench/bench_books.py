"""One process that appends to one, four and sixteen books, a writer each; the limit is one book by itself.

The same callers share themselves out over the books. Books have no lock in common, so PostgreSQL's other cores come in.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from typing import Final

from libs.eventstore.migrate import LEDGER, migrate
from libs.eventstore.model import Appended
from libs.eventstore.pool import open_pool
from libs.eventstore.store import Store
from libs.eventstore.writer import Writer
from libs.ledger import chart
from tests.bench.book import release
from tests.bench.harness import Result, Side
from tests.bench.server import tuned_postgres

BOOKS: Final = (1, 4, 16)
CALLERS: Final = 512
UNITS_EACH: Final = 40
ROUNDS: Final = 3


async def _rate(writers: Sequence[Writer]) -> float:
    """Entries a second of all callers, the first on the first book, the second on the second, and so on around."""

    async def caller(number: int) -> None:
        writer = writers[number % len(writers)]
        for n in range(UNITS_EACH):
            assert isinstance(await writer.append(release(number * UNITS_EACH + n)), Appended)

    async def all_callers(callers: range) -> int:
        await asyncio.gather(*map(caller, callers))
        return len(callers) * UNITS_EACH

    return await Side(lambda: range(CALLERS), all_callers).rate()


async def _measured(writers: Sequence[Writer]) -> list[Result]:
    await _rate(writers)  # connections and plans
    await writers[0].store.pool.execute("analyze ledger.events")  # a plan made without statistics may scan a book
    rounds = [{count: await _rate(writers[:count]) for count in BOOKS} for _ in range(ROUNDS)]
    return [
        Result(
            f"books_{count}",
            statistics.median(rates[count] for rates in rounds),
            "entries/s",
            statistics.median(rates[1] for rates in rounds),
            statistics.median(rates[count] / rates[1] for rates in rounds),
            {"callers": CALLERS},
        )
        for count in BOOKS[1:]
    ]


async def _assert_sound(writers: Sequence[Writer]) -> None:
    """Each book holds its own entries and no others, and all of them together hold all."""
    heads = [
        await writer.store.pool.fetchval("select position from ledger.books where book = $1", book)
        for book, writer in enumerate(writers, 1)
    ]
    assert sum(heads) == (1 + ROUNDS * len(BOOKS)) * CALLERS * UNITS_EACH
    for writer, head in zip(writers, heads, strict=True):
        assert await writer.store.balance(chart.STRIPE_PLATFORM, "USD") == 10_000 * head


async def run() -> list[Result]:
    async with tuned_postgres() as server:
        url = await server.create_database("bench")
        for book in range(1, max(BOOKS) + 1):
            await migrate(url, LEDGER, book=book)
        async with open_pool(url, None, connections_max=max(BOOKS)) as pool:
            writers = [Writer(Store(pool, book)) for book in range(1, max(BOOKS) + 1)]
            results = await _measured(writers)
            await _assert_sound(writers)
            return results
