"""The audit service, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.eventstore.ledger import Ledger
from libs.messaging.route import EVENTS, Route
from libs.runtime.config import Config
from libs.runtime.service import Clock, Job, Service
from libs.settings.live import LiveSettings
from services.audit import http
from services.audit.handlers import QUEUE, Handlers
from services.audit.jobs import Jobs
from services.audit.views.messages import Views


@asynccontextmanager
async def build(
    ledger: Ledger,
    config: Config,  # noqa: ARG001 - every service is built alike
    settings: LiveSettings,  # noqa: ARG001 - as above
    clock: Clock,
) -> AsyncIterator[Service]:
    """The service over a ledger opened as `audit`."""
    handlers = Handlers(ledger.pool, clock)
    yield Service(
        name="audit",
        ledger=ledger,
        routes=[Route(QUEUE, EVENTS, ("#",), {}, every=handlers.announced)],
        jobs=[Job("verify", Jobs(ledger).verify)],
        router=http.router(ledger, Views(ledger)),
    )
