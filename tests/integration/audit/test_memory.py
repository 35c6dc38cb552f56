"""Proofs of a book ten times as long take no more memory.

By hand at ten million events, in a database of its own:

    export HOLDFAST_DATABASE_URL=postgresql://...
    holdfast migrate && python -m tests.integration.audit.long_book $HOLDFAST_DATABASE_URL 10000000
    /usr/bin/time -v holdfast audit verify
    /usr/bin/time -v holdfast audit replay
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

from tests.integration.audit.long_book import lengthen

SHORT, LONG = 10_000, 100_000
PEAK_BYTES_MAX = 300 * 2**20
GROWTH_BYTES_MAX = 16 * 2**20

PROGRAM = """
import asyncio, json, os
from libs.eventstore.ledger import open_ledger
from services.audit.proofs.book import recomputed
from services.audit.proofs.verify import verify

def peak():  # not ru_maxrss, which a child inherits from whoever started it
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))

async def main():
    async with open_ledger(os.environ["URL"], "audit") as ledger:
        before = peak()
        found = await verify(ledger)
        verified = peak()
        balances = await recomputed(ledger, found.position)
        print(json.dumps([found.ok, found.position, sum(balances.values()), before, verified, peak()]))

asyncio.run(main())
"""


class Run(NamedTuple):
    ok: bool
    position: int
    sum_minor: int
    before: int
    verified: int
    replayed: int


async def proven(url: str) -> Run:
    """Both proofs in a process of their own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        env=os.environ | {"URL": url},
        cwd=Path(__file__).parents[3],
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return Run(*json.loads(out))


async def test_a_book_ten_times_as_long_takes_no_more_memory(database_url: str) -> None:
    await lengthen(database_url, SHORT)
    short = await proven(database_url)
    await lengthen(database_url, LONG - SHORT)
    long = await proven(database_url)
    assert (short.ok, long.ok, short.position, long.position) == (True, True, SHORT, LONG)
    assert short.sum_minor == long.sum_minor == 0
    assert long.replayed < PEAK_BYTES_MAX
    assert long.verified - short.verified < GROWTH_BYTES_MAX
    assert long.replayed - short.replayed < GROWTH_BYTES_MAX
