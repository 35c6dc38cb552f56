"""The payout scheduler, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts.events.escrows import EscrowHeld, EscrowPartiallyReleased, EscrowRefunded, EscrowReleased
from libs.eventstore.codec import Codec
from libs.eventstore.execute import Executor
from libs.eventstore.ledger import Ledger
from libs.eventstore.projector import Projector
from libs.eventstore.worklist import Worker
from libs.messaging.relay import Announcer
from libs.messaging.route import EVENTS as ANNOUNCED
from libs.messaging.route import Route
from libs.runtime.chores import Chores, resolve_unknown
from libs.runtime.config import Config
from libs.runtime.loops import Loop
from libs.runtime.service import Clock, Job, Service
from libs.settings.live import LiveSettings
from services.payout_scheduler import http, jobs
from services.payout_scheduler.announce import announce
from services.payout_scheduler.domain import EVENTS, PAYOUT, TRANSFER
from services.payout_scheduler.gateway import StripeGateway, open_gateway
from services.payout_scheduler.handlers.incoming import QUEUE, Handlers
from services.payout_scheduler.handlers.payer import Payer
from services.payout_scheduler.performances import Performances
from services.payout_scheduler.views import reads, rows, wallets
from services.payout_scheduler.work import RESOLVE_KINDS


@asynccontextmanager
async def build(ledger: Ledger, config: Config, settings: LiveSettings, clock: Clock) -> AsyncIterator[Service]:
    """The service over a ledger opened as `payout_scheduler`.

    Raises `Misconfigured` where Stripe's key or secret is missing.
    """
    key, secret = config.need("stripe_api_key"), config.need("stripe_connect_webhook_secret")
    async with open_gateway(key, secret, ledger.store.book, api_base=config.stripe_api_base) as gateway:
        yield assemble(ledger, gateway, settings, clock)


def assemble(ledger: Ledger, gateway: StripeGateway, settings: LiveSettings, clock: Clock) -> Service:
    """The service over an open gateway."""
    book, codec, views = ledger.store.book, Codec(EVENTS), reads.Views(ledger.pool)
    executor = Executor(ledger.writer, codec)
    incoming = Handlers(executor, book, clock)
    projectors = [
        Projector(ledger.pool, ledger.feed, projection) for projection in (rows.projection(codec), wallets.projection())
    ]
    payer = Payer(executor, ledger.store, views, gateway, settings)
    performances = Performances(executor, incoming, gateway, settings, book, clock).by_kind()
    chores = Chores(ledger.pool, projectors, performances, clock)
    return Service(
        name="payout_scheduler",
        ledger=ledger,
        routes=[
            Route(
                QUEUE,
                ANNOUNCED,
                ("escrow.held.#", "escrow.partially_released.#", "escrow.released.#", "escrow.refunded.#"),
                {
                    EscrowHeld: incoming.escrow_held,
                    EscrowPartiallyReleased: incoming.escrow_released,
                    EscrowReleased: incoming.escrow_released,
                    EscrowRefunded: incoming.escrow_refunded,
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
        ],
        router=http.router(incoming, views, payer, gateway, gateway.read_notice, ledger.store, settings, clock),
        projections=projectors,
        announcer=Announcer("/holdfast/payout_scheduler", (TRANSFER.kind, PAYOUT.kind), codec, announce),
    )
