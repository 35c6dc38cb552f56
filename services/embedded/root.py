"""The second composition root: every service in one process, with queues in PostgreSQL and no broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry

from libs.eventstore.pool import open_pool
from libs.messaging.local import LocalCarrier
from libs.runtime.config import Config
from libs.runtime.lifecycle import running
from libs.runtime.service import Clock, Progress, Service
from libs.runtime.telemetry import Telemetry
from services.embedded.assembly import BUILDERS, now, opened, run_job

_CONNECTIONS_MAX = 16  # one for each route, and some to publish


@dataclass(frozen=True, slots=True)
class Embedded:
    """The whole of Holdfast at work in this process; `url` answers for every service."""

    url: str
    services: Sequence[Service]
    carrier: LocalCarrier

    async def job(self, name: str, as_of: datetime, progress: Progress) -> list[Mapping[str, Any]]:
        """Run a job in every service that has one of that name; their summaries."""
        return await run_job(self.services, name, as_of, progress)


@asynccontextmanager
async def embedded(config: Config, clock: Clock = now) -> AsyncIterator[Embedded]:
    """All services running for the length of the block, entered once they are ready."""
    async with (
        opened(list(BUILDERS), config, clock) as services,
        open_pool(config.need("database_url"), None, connections_max=_CONNECTIONS_MAX) as pool,
    ):
        carrier = LocalCarrier(pool, config.book)
        telemetry = Telemetry(CollectorRegistry())
        async with running(services, carrier, telemetry, host=config.http_host, port=config.http_port) as at_work:
            yield Embedded(at_work.url, services, carrier)
