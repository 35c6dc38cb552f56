"""Services by name, opened with what they need: what both composition roots begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pkgutil import resolve_name
from typing import Any, Final

import stamina

from libs.eventstore.codec import Codec
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.projector import Projection
from libs.ledger.errors import Rejected, Unavailable
from libs.runtime.config import Config
from libs.runtime.reconcile import projection as bookings
from libs.runtime.service import Clock, Progress, Service
from libs.settings.live import LiveSettings

Build = Callable[[Ledger, Config, LiveSettings, Clock], AbstractAsyncContextManager[Service]]

# By name, not by import: an image holds only what its own service needs.
BUILDERS: Final[Mapping[str, str]] = {
    "payment": "services.payment.service:build",
    "escrow": "services.escrow.service:build",
    "payout_scheduler": "services.payout_scheduler.service:build",
    "settings": "services.settings.service:build",
    "audit": "services.audit.service:build",
}

JOBS: Final[Mapping[str, Sequence[str]]] = {
    "release-due": ["escrow"],
    "payouts-due": ["payout_scheduler"],
    "resolve-unknown": ["payment", "payout_scheduler"],
    "expire-due": ["payment"],
    "sweep-events": ["payment", "payout_scheduler"],
    "reconcile": ["payment", "payout_scheduler"],
    "verify": ["audit"],
    "sign-head": ["audit"],
}
"""Which services have a part in a job; a CronJob opens these alone."""


def read_models() -> list[tuple[str, Projection]]:
    """Every read model with the schema it lives in, for an auditor's replay."""
    from services.audit.transparency import tree  # noqa: PLC0415, I001 - as BUILDERS
    from services.audit.views import entries  # noqa: PLC0415
    from services.escrow import domain as escrow, views as escrow_views  # noqa: PLC0415
    from services.payment import domain as payment, views as payment_views  # noqa: PLC0415
    from services.payment.views import bookings as payment_bookings  # noqa: PLC0415
    from services.payout_scheduler import domain as payouts  # noqa: PLC0415
    from services.payout_scheduler.views import bookings as payout_bookings, rows, wallets  # noqa: PLC0415

    return [
        ("payment", payment_views.projection(Codec(payment.EVENTS))),
        ("payment", bookings.projection(Codec(payment.EVENTS), payment_bookings.SCOPE)),
        ("escrow", escrow_views.projection(Codec(escrow.ESCROW.events, escrow.UPCASTS))),
        ("payout_scheduler", rows.projection(Codec(payouts.EVENTS))),
        ("payout_scheduler", wallets.projection()),
        ("payout_scheduler", bookings.projection(Codec(payouts.EVENTS), payout_bookings.SCOPE)),
        ("audit", tree.projection()),
        ("audit", entries.projection()),
    ]


def now() -> datetime:
    """The clock of everything that runs for real."""
    return datetime.now(UTC)


@asynccontextmanager
async def opened(
    names: Sequence[str], config: Config, clock: Clock = now, *, wait_seconds: float | None = None
) -> AsyncIterator[list[Service]]:
    """These services, built but not running. Waits for the database, for ever unless `wait_seconds` says how long.

    Raises `Rejected` (`unknown_service`) and, after the wait, `Unavailable`.
    """
    for name in names:
        if name not in BUILDERS:
            raise Rejected(f"There is no service {name!r}; there are {', '.join(BUILDERS)}.", code="unknown_service")
    async with AsyncExitStack() as stack:
        services = []
        for name in names:
            ledger = await stack.enter_async_context(open_ledger(config.need("database_url"), name, book=config.book))
            settings = await _settings(ledger, wait_seconds)
            build: Build = resolve_name(BUILDERS[name])
            services.append(await stack.enter_async_context(build(ledger, config, settings, clock)))
        yield services


async def run_job(
    services: Sequence[Service], name: str, as_of: datetime, progress: Progress
) -> list[Mapping[str, Any]]:
    """Run the jobs of that name one after the other; their summaries. Raises `Rejected` (`unknown_job`)."""
    check_job(name)
    return [await job.run(as_of, progress) for service in services for job in service.jobs if job.name == name]


def check_job(name: str) -> Sequence[str]:
    """The services that have a part in it; raises `Rejected` (`unknown_job`)."""
    if name not in JOBS:
        raise Rejected(f"There is no job {name!r}; there are {', '.join(JOBS)}.", code="unknown_job")
    return JOBS[name]


async def _settings(ledger: Ledger, wait_seconds: float | None) -> LiveSettings:
    """Settings as the log has them: a service must not act on defaults because the database came up late."""
    async for attempt in stamina.retry_context(on=Unavailable, attempts=None, timeout=wait_seconds, wait_max=2.0):
        with attempt:
            return await LiveSettings.open(ledger)
    raise AssertionError("retried without end")
