"""How far the readers are behind the log and how much work is open, measured every few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from libs.eventstore.pool import availability
from libs.runtime.service import Service
from libs.runtime.telemetry import Telemetry

MEASURE_SECONDS: Final = 5.0
_WORK: Final = "work"  # the table that ledger.create_worklist makes


async def meter(services: Sequence[Service], telemetry: Telemetry) -> None:
    """Keep the gauges up to date until cancelled. Raises `Unavailable`."""
    while True:
        for service in services:
            await measure(service, telemetry)
        await asyncio.sleep(MEASURE_SECONDS)


async def measure(service: Service, telemetry: Telemetry) -> None:
    """Measure one service now. Raises `Unavailable`."""
    head = await service.ledger.feed.head()
    pool = service.ledger.pool
    with availability():
        # In the service's own schema, which its connections find without a prefix.
        for name, position in await pool.fetch("select name, position from checkpoints"):
            telemetry.lag.labels(f"{service.name}.{name}").set(max(0, head - position))
        if any(_WORK in projector.projection.tables for projector in service.projections):
            telemetry.work.labels(service.name).set(await pool.fetchval("select count(*) from work"))
