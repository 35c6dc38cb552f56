"""The payment service, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from contracts.events.escrows import EscrowAllocationRefunded, EscrowRefunded
from contracts.events.orders import OrderCancelled, OrderPlaced
from libs.eventstore.codec import Codec
from libs.eventstore.execute import Executor
from libs.eventstore.ledger import Ledger
from libs.eventstore.projector import Projector
from libs.eventstore.vault import Vault
from libs.eventstore.worklist import Worker
from libs.ledger import chart
from libs.messaging.relay import Announcer
from libs.messaging.route import EVENTS as ANNOUNCED
from libs.messaging.route import ORDERS, Route
from libs.runtime.calls import Pace
from libs.runtime.chores import Chores, resolve_unknown
from libs.runtime.config import Config
from libs.runtime.data_keys import data_keys
from libs.runtime.health import Ping
from libs.runtime.loops import Loop
from libs.runtime.reconcile import projection as bookings
from libs.runtime.reconcile.job import JOB as RECONCILE
from libs.runtime.reconcile.job import Reconciliation, reconcile, recorder
from libs.runtime.reconcile.reads import Reads
from libs.runtime.reconcile.statement import Account
from libs.runtime.service import Clock, Job, Service
from libs.runtime.sweep import Log, sweep_events
from libs.settings.live import LiveSettings
from services.payment import handlers, http, jobs, views
from services.payment.announce import announce
from services.payment.domain import EVENTS, PAYMENT, RECONCILIATION
from services.payment.domain.webhook import Notice
from services.payment.gateway import open_gateway
from services.payment.performances import Performances
from services.payment.performances.deadlines import Deadlines
from services.payment.views.bookings import SCOPE
from services.payment.work import RESOLVE_KINDS


@asynccontextmanager
async def build(ledger: Ledger, config: Config, settings: LiveSettings, clock: Clock) -> AsyncIterator[Service]:
    """The service over a ledger opened as `payment`.

    Raises `Misconfigured` where Stripe's key or secret is missing, or the data key.
    """
    book, codec = ledger.store.book, Codec(EVENTS)
    vault = Vault(ledger.pool, book, data_keys(config))
    executor = Executor(ledger.writer, codec, vault)
    incoming = handlers.Handlers(executor, settings, book, clock)
    projector = Projector(ledger.pool, ledger.feed, views.projection(codec))
    booked, reports = Projector(ledger.pool, ledger.feed, bookings.projection(codec, SCOPE)), Reads(ledger.pool)
    async with open_gateway(
        config.need("stripe_api_key"),
        config.need("stripe_webhook_secret"),
        book,
        api_base=config.stripe_api_base,
        timeout_seconds=config.stripe_timeout_seconds,
        pace=Pace(requests_per_second=config.stripe_requests_per_second),
    ) as gateway:
        performing, reading = Performances(executor, gateway, clock), views.Views(ledger.pool)
        performances = performing.by_kind()
        chores = Chores(ledger.pool, [projector], performances, clock)

        async def platform() -> Mapping[str, Log[Notice]]:
            return {"platform": gateway.notices}

        async def accounts() -> Sequence[Account]:
            return [Account(chart.STRIPE_PLATFORM, gateway.statement, gateway.statement.balances_at, always=True)]

        reconciling = Reconciliation(
            booked,
            reports,
            accounts,
            recorder(executor, book, RECONCILIATION),
            jobs.charging(executor, reports, book),
        )

        yield Service(
            name="payment",
            ledger=ledger,
            routes=[
                Route(
                    handlers.ORDERS,
                    ORDERS,
                    ("order.#",),
                    {OrderPlaced: incoming.order_placed, OrderCancelled: incoming.order_cancelled},
                ),
                Route(
                    handlers.ESCROW,
                    ANNOUNCED,
                    ("escrow.refunded.#", "escrow.allocation_refunded.#"),
                    {
                        EscrowRefunded: incoming.escrow_refunded,
                        EscrowAllocationRefunded: incoming.escrow_refunded,
                    },
                ),
            ],
            loops=[
                Loop("settings", settings.follow),
                Loop("worker", Worker(ledger.pool, projector.moved, performances, clock).run),
                Loop("chargeback deadlines", Deadlines(reading.chargebacks, clock).run),
            ],
            jobs=[
                Job("resolve-unknown", resolve_unknown(chores, RESOLVE_KINDS)),
                Job("expire-due", jobs.expire_due(chores, performing.expire, reading, settings)),
                Job("sweep-events", sweep_events(platform, incoming.notice)),
                Job(RECONCILE, reconcile(reconciling)),
            ],
            router=http.router(incoming, reading, reports, gateway, gateway.read_notice, clock),
            projections=[projector, booked],
            pings=[Ping("payment data key", vault.ready)],
            announcer=Announcer("/holdfast/payment", (PAYMENT.kind,), codec, announce),
        )
