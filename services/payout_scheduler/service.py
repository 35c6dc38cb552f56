"""The payout scheduler, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

from contracts.events.escrows import (
    EscrowAllocationRefunded,
    EscrowChargebackCovered,
    EscrowClawedBack,
    EscrowHeld,
    EscrowPartiallyReleased,
    EscrowRefunded,
    EscrowReleased,
)
from libs.eventstore.codec import Codec
from libs.eventstore.execute import Executor
from libs.eventstore.ledger import Ledger
from libs.eventstore.projector import Projector
from libs.eventstore.worklist import Worker
from libs.ledger import chart
from libs.messaging.relay import Announcer
from libs.messaging.route import EVENTS as ANNOUNCED
from libs.messaging.route import Route
from libs.runtime.calls import Pace
from libs.runtime.chores import Chores, resolve_unknown
from libs.runtime.config import Config
from libs.runtime.loops import Loop
from libs.runtime.reconcile import projection as bookings
from libs.runtime.reconcile.job import JOB as RECONCILE
from libs.runtime.reconcile.job import Reconciliation, reconcile, recorder
from libs.runtime.reconcile.reads import Reads
from libs.runtime.reconcile.statement import Account
from libs.runtime.service import Clock, Job, Service
from libs.runtime.sweep import Log, sweep_events
from libs.settings.live import LiveSettings
from services.payout_scheduler import http, jobs
from services.payout_scheduler.announce import announce
from services.payout_scheduler.domain import EVENTS, PAYOUT, RECONCILIATION, REVERSAL, TRANSFER
from services.payout_scheduler.domain.webhook import Notice
from services.payout_scheduler.gateway import StripeGateway, open_gateway
from services.payout_scheduler.handlers.incoming import QUEUE, Handlers
from services.payout_scheduler.handlers.payer import Payer
from services.payout_scheduler.performances import Means, by_kind
from services.payout_scheduler.views import reads, rows, wallets
from services.payout_scheduler.views.bookings import SCOPE
from services.payout_scheduler.work import RESOLVE_KINDS


@asynccontextmanager
async def build(ledger: Ledger, config: Config, settings: LiveSettings, clock: Clock) -> AsyncIterator[Service]:
    """The service over a ledger opened as `payout_scheduler`.

    Raises `Misconfigured` where Stripe's key or secret is missing.
    """
    key, secret = config.need("stripe_api_key"), config.need("stripe_connect_webhook_secret")
    pace = Pace(requests_per_second=config.stripe_requests_per_second)
    async with open_gateway(
        key,
        secret,
        ledger.store.book,
        api_base=config.stripe_api_base,
        timeout_seconds=config.stripe_timeout_seconds,
        pace=pace,
    ) as gateway:
        yield assemble(ledger, gateway, settings, clock)


def assemble(ledger: Ledger, gateway: StripeGateway, settings: LiveSettings, clock: Clock) -> Service:
    """The service over an open gateway."""
    book, codec, views = ledger.store.book, Codec(EVENTS), reads.Views(ledger.pool)
    executor = Executor(ledger.writer, codec)
    incoming = Handlers(executor, ledger.store, clock)
    projectors = [
        Projector(ledger.pool, ledger.feed, projection) for projection in (rows.projection(codec), wallets.projection())
    ]
    booked, reports = Projector(ledger.pool, ledger.feed, bookings.projection(codec, SCOPE)), Reads(ledger.pool)
    payer = Payer(executor, ledger.store, views, gateway, settings)
    performances = by_kind(Means(executor, gateway, views, settings, book, clock))
    chores = Chores(ledger.pool, projectors, performances, clock)

    async def logs() -> Mapping[str, Log[Notice]]:
        return {account_id: partial(gateway.notices, account_id) for account_id in await views.accounts()}

    async def accounts() -> Sequence[Account]:
        sellers = [
            (chart.stripe_connected(seller), gateway.statement_of(account_id))
            for seller, account_id in (await views.seller_accounts()).items()
        ]
        own = Account(chart.STRIPE_PLATFORM, gateway.transfers)
        return [own, *(Account(name, statement, statement.balances_at) for name, statement in sellers)]

    reconciling = Reconciliation(booked, reports, accounts, recorder(executor, book, RECONCILIATION))

    return Service(
        name="payout_scheduler",
        ledger=ledger,
        routes=[
            Route(
                QUEUE,
                ANNOUNCED,
                (
                    "escrow.held.#",
                    "escrow.partially_released.#",
                    "escrow.released.#",
                    "escrow.refunded.#",
                    "escrow.allocation_refunded.#",
                    "escrow.clawed_back.#",
                    "escrow.chargeback_covered.#",
                ),
                {
                    EscrowHeld: incoming.escrow_held,
                    EscrowPartiallyReleased: incoming.escrow_released,
                    EscrowReleased: incoming.escrow_released,
                    EscrowRefunded: incoming.escrow_refunded,
                    EscrowAllocationRefunded: incoming.allocation_refunded,
                    EscrowClawedBack: incoming.clawed_back,
                    EscrowChargebackCovered: incoming.chargeback_covered,
                },
            )
        ],
        loops=[
            Loop("settings", settings.follow),
            Loop("worker", Worker(ledger.pool, projectors[0].moved, performances, clock).run),
        ],
        jobs=[
            Job("payouts-due", jobs.payouts_due(chores, payer, views, settings)),
            Job("resolve-unknown", resolve_unknown(chores, RESOLVE_KINDS)),
            Job("sweep-events", sweep_events(logs, incoming.notice)),
            Job(RECONCILE, reconcile(reconciling)),
        ],
        router=http.router(
            incoming, views, reports, payer, gateway, gateway.read_notice, ledger.store, settings, clock
        ),
        projections=[*projectors, booked],
        announcer=Announcer("/holdfast/payout_scheduler", (TRANSFER.kind, REVERSAL.kind, PAYOUT.kind), codec, announce),
    )
