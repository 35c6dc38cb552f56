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
from libs.eventstore.vault import Vault
from libs.messaging.relay import Announcer
from libs.messaging.route import EVENTS as ANNOUNCED
from libs.messaging.route import ORDERS, Route
from libs.runtime.config import Config
from libs.runtime.data_keys import data_keys
from libs.runtime.health import Ping
from libs.runtime.loops import Loop
from libs.runtime.service import Clock, Job, Service
from libs.settings.live import LiveSettings
from services.escrow import handlers, http, jobs, views
from services.escrow.announce import announce
from services.escrow.domain import ESCROW, UPCASTS


@asynccontextmanager
async def build(
    ledger: Ledger,
    config: Config,
    settings: LiveSettings,
    clock: Clock,  # noqa: ARG001 - time comes with messages and jobs
) -> AsyncIterator[Service]:
    """The service over a ledger opened as `escrow`. Raises `Misconfigured` where the data key is missing."""
    codec, vault = Codec(ESCROW.events, UPCASTS), Vault(ledger.pool, ledger.store.book, data_keys(config))
    incoming = handlers.Handlers(Executor(ledger.writer, codec, vault), settings, ledger.store.book)
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
        router=http.router(reads, views.Texts(ledger.store, codec, vault)),
        projections=[projector],
        pings=[Ping("escrow data key", vault.ready)],
        announcer=Announcer("/holdfast/escrow", (ESCROW.kind,), codec, announce),
    )
