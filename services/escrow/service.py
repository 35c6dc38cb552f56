"""The escrow service, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts.events.orders import OrderCancelled, OrderDelivered, OrderDisputed
from contracts.events.payments import PaymentCaptured
from libs.eventstore.codec import Codec
from libs.eventstore.execute import Executor
from libs.eventstore.ledger import Ledger
from libs.eventstore.projector import Projector
from libs.messaging.relay import Announcer
from libs.messaging.route import EVENTS as ANNOUNCED
from libs.messaging.route import ORDERS, Route
from libs.runtime.config import Config
from libs.runtime.loops import Loop
from libs.runtime.service import Clock, Job, Service
from libs.settings.live import LiveSettings
from services.escrow import handlers, http, jobs, views
from services.escrow.announce import announce
from services.escrow.domain import ESCROW


@asynccontextmanager
async def build(
    ledger: Ledger,
    config: Config,  # noqa: ARG001 - every service is built alike
    settings: LiveSettings,
    clock: Clock,  # noqa: ARG001 - time comes with messages and jobs
) -> AsyncIterator[Service]:
    """The service over a ledger opened as `escrow`."""
    codec = Codec(ESCROW.events)
    incoming = handlers.Handlers(Executor(ledger.writer, codec), settings, ledger.store.book)
    projector = Projector(ledger.pool, ledger.feed, views.projection(codec))
    reads = views.Views(ledger.pool)
    yield Service(
        name="escrow",
        ledger=ledger,
        routes=[
            Route(handlers.PAYMENTS, ANNOUNCED, ("payment.captured.#",), {PaymentCaptured: incoming.payment_captured}),
            Route(
                handlers.ORDERS,
                ORDERS,
                ("order.#",),
                {
                    OrderDelivered: incoming.order_delivered,
                    OrderCancelled: incoming.order_cancelled,
                    OrderDisputed: incoming.order_disputed,
                },
            ),
        ],
        loops=[Loop("settings", settings.follow)],
        jobs=[Job("release-due", jobs.ReleaseDue(incoming, reads, projector, settings))],
        router=http.router(reads),
        projections=[projector],
        announcer=Announcer("/holdfast/escrow", (ESCROW.kind,), codec, announce),
    )
