"""The most memory that `holdfast audit verify`, `replay` and `export` ever hold, over a long book and a short one.

The limit is 300 MB at any length. The book begins with real orders, whose read models `replay` rebuilds, and goes on
with releases up to HOLDFAST_BENCH_EVENTS, 200,000 unless set.
"""

from __future__ import annotations

import os
import sys
import tempfile
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from typing import Final

from libs.devstack.postgres import Postgres
from libs.eventstore.ledger import open_ledger
from libs.eventstore.projector import Projector
from services.embedded.assembly import read_models
from services.migrations import migrate_all
from tests.bench.growing import events_wanted, fill
from tests.bench.harness import Result
from tests.bench.orders import trade
from tests.bench.server import tuned_postgres

LIMIT_MB: Final = 300
EVENTS: Final = events_wanted(200_000)
ORDERS: Final = 1_000
FORMATS: Final = ("parquet", "csv", "hledger", "beancount")


async def _book(server: Postgres, events: int) -> str:
    """A database with orders, their read models, and `events` more."""
    url = await server.create_database(f"bench_{events}")
    await migrate_all(url)
    async with open_ledger(url, None) as ledger:
        await trade(ledger, ORDERS)
        for schema, projection in read_models():
            async with open_ledger(url, schema) as service:
                await Projector(service.pool, service.feed, projection).catch_up()
        await fill(ledger, events)
    return url


async def _peak_mb(url: str, arguments: Sequence[str]) -> float:
    """Of `holdfast audit ARGUMENTS`, which must find that all is well."""
    holdfast = (sys.executable, "-c", "from services.cli import main; main()", "audit", *arguments)
    process = await create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.peak",
        *holdfast,
        env=os.environ | {"HOLDFAST_DATABASE_URL": url},
        stdout=PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, f"holdfast audit {' '.join(arguments)} failed"
    return float(printed)


async def _measured(name: str, short: str, long: str, *arguments: str) -> Result:
    peaks = [await _peak_mb(url, arguments) for url in (short, long)]
    return Result(
        f"memory_{name}",
        peaks[1],
        "MB",
        LIMIT_MB,
        peaks[1] / LIMIT_MB,
        {"events": EVENTS, "short_events": EVENTS // 10, "short_mb": round(peaks[0], 1)},
    )


async def run() -> list[Result]:
    async with tuned_postgres() as server:
        short, long = [await _book(server, events) for events in (EVENTS // 10, EVENTS)]
        results = [await _measured(command, short, long, command, "--json") for command in ("verify", "replay")]
        with tempfile.TemporaryDirectory() as folder:
            for style in FORMATS:
                arguments = ("export", folder, "--format", style, "--force", "--json")
                results.append(await _measured(f"export_{style}", short, long, *arguments))
        return results
