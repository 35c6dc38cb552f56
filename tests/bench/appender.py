"""`python -m tests.bench.appender URL BOOK CALLERS`: one process among several that append to a book.

Each line on standard input is a number of seconds: it appends for so long with `CALLERS` concurrent callers, and
answers with the number of entries that landed.
"""

from __future__ import annotations

import asyncio
import sys
import time

import uvloop

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Appended
from tests.bench.book import release


async def append_for(ledger: Ledger, callers: int, seconds: float) -> int:
    """Entries that `callers` tasks appended through one writer."""
    deadline = time.perf_counter() + seconds

    async def caller(number: int) -> int:
        landed = 0
        while time.perf_counter() < deadline:
            assert isinstance(await ledger.writer.append(release(number + landed * callers)), Appended)
            landed += 1
        return landed

    return sum(await asyncio.gather(*map(caller, range(callers))))


async def main(url: str, book: int, callers: int) -> None:
    async with open_ledger(url, None, book=book) as ledger:
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(await append_for(ledger, callers, float(line)), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
