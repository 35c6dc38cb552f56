"""The escrow service, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts.events.orders import OrderCancelled, OrderDelivered, OrderDisputed
from contracts.events.payments import (
    PaymentCaptured,
    PaymentChargebackClosed,
    PaymentChargedBack,
    PaymentFraudWarned,
)
from contracts.events.payouts import TransferReversed
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
from services.escrow import http, jobs, views
from services.escrow.announce import announce
from services.escrow.domain import ESCROW, UPCASTS
from services.escrow.handlers import incoming, requests
from services.escrow.handlers.steps import Steps
from services.escrow.views import reads


@asynccontextmanager
async def build(
    ledger: Ledger,
    config: Config,
    settings: LiveSettings,
    clock: Clock,
) -> AsyncIterator[Service]:
    """The service over a ledger opened as `escrow`. Raises `Misconfigured` where the data key is missing."""
    codec, vault = Codec(ESCROW.events, UPCASTS), Vault(ledger.pool, ledger.store.book, data_keys(config))
    steps = Steps(Executor(ledger.writer, codec, vault), ledger.store)
    hears = incoming.Handlers(steps, settings, ledger.store.book)
    projector = Projector(ledger.pool, ledger.feed, views.projection(codec))
    shows = reads.Views(ledger.pool)
    yield Service(
        name="escrow",
        ledger=ledger,
        routes=[
            Route(
                incoming.PAYMENTS,
                ANNOUNCED,
                (
                    "payment.captured.#",
                    "payment.charged_back.#",
                    "payment.chargeback_closed.#",
                    "payment.fraud_warned.#",
                ),
                {
                    PaymentCaptured: hears.payment_captured,
                    PaymentChargedBack: hears.payment_charged_back,
                    PaymentChargebackClosed: hears.payment_chargeback_closed,
                    PaymentFraudWarned: hears.payment_fraud_warned,
                },
            ),
            Route(
                incoming.TRANSFERS,
                ANNOUNCED,
                ("transfer.reversed.#",),
                {TransferReversed: hears.transfer_reversed},
            ),
            Route(
                incoming.ORDERS,
                ORDERS,
                ("order.#",),
                {
                    OrderDelivered: hears.order_delivered,
                    OrderCancelled: hears.order_cancelled,
                    OrderDisputed: hears.order_disputed,
                },
            ),
        ],
        loops=[Loop("settings", settings.follow)],
        jobs=[Job("release-due", jobs.ReleaseDue(hears, shows, projector, settings))],
        router=http.router(
            shows,
            reads.Texts(ledger.store, codec, vault),
            requests.Requests(steps, ledger.store, codec, settings),
            clock,
        ),
        projections=[projector],
        pings=[Ping("escrow data key", vault.ready)],
        announcer=Announcer("/holdfast/escrow", (ESCROW.kind,), codec, announce),
    )
