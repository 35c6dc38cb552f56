"""The audit service, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from libs.eventstore.ledger import Ledger
from libs.eventstore.projector import Projector
from libs.messaging.route import EVENTS, Route
from libs.runtime.config import Config
from libs.runtime.loops import Loop
from libs.runtime.service import Clock, Job, Service
from libs.settings.live import LiveSettings
from services.audit import http
from services.audit.handlers.messages import QUEUE, Handlers
from services.audit.handlers.periods import Periods
from services.audit.jobs import Jobs
from services.audit.proofs.turnovers import BookTurnovers
from services.audit.transparency import tree
from services.audit.transparency.heads import Signer
from services.audit.transparency.signing_keys import FILE_VARIABLE, KEY_VARIABLE, signing_keys
from services.audit.views import entries
from services.audit.views.messages import Views

log = structlog.get_logger(__name__)


@asynccontextmanager
async def build(
    ledger: Ledger,
    config: Config,
    settings: LiveSettings,  # noqa: ARG001 - every service is built alike
    clock: Clock,
) -> AsyncIterator[Service]:
    """The service over a ledger opened as `audit`."""
    handlers = Handlers(ledger.pool, clock)
    keys = signing_keys(config)
    signer = Signer(ledger, keys, clock) if keys else None
    jobs = Jobs(ledger, signer)
    if not keys:
        log.info("heads are not signed: no key is set", variables=[FILE_VARIABLE, KEY_VARIABLE])
    yield Service(
        name="audit",
        ledger=ledger,
        routes=[Route(QUEUE, EVENTS, ("#",), {}, every=handlers.announced)],
        loops=[Loop("heads", signer.run)] if signer else [],
        jobs=[Job("verify", jobs.verify), Job("sign-head", jobs.sign_head)],
        router=http.router(
            ledger, Views(ledger), Periods(ledger, BookTurnovers(ledger), clock), [key.verifier for key in keys]
        ),
        projections=[Projector(ledger.pool, ledger.feed, each) for each in (tree.projection(), entries.projection())],
    )
