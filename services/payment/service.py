"""The payment service, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts.events.escrows import EscrowRefunded
from contracts.events.orders import OrderCancelled, OrderPlaced
from libs.eventstore.codec import Codec
from libs.eventstore.execute import Executor
from libs.eventstore.ledger import Ledger
from libs.eventstore.projector import Projector
from libs.eventstore.worklist import Worker
from libs.messaging.relay import Announcer
from libs.messaging.route import EVENTS as ANNOUNCED
from libs.messaging.route import ORDERS, Route
from libs.runtime.chores import Chores, resolve_unknown
from libs.runtime.config import Config
from libs.runtime.loops import Loop
from libs.runtime.service import Clock, Job, Service
from libs.settings.live import LiveSettings
from services.payment import handlers, http, views
from services.payment.announce import announce
from services.payment.domain import EVENTS, PAYMENT
from services.payment.gateway import open_gateway
from services.payment.performances import Performances
from services.payment.work import RESOLVE_KINDS


@asynccontextmanager
async def build(ledger: Ledger, config: Config, settings: LiveSettings, clock: Clock) -> AsyncIterator[Service]:
    """The service over a ledger opened as `payment`. Raises `Misconfigured` where Stripe's key or secret is missing."""
    book, codec = ledger.store.book, Codec(EVENTS)
    executor = Executor(ledger.writer, codec)
    incoming = handlers.Handlers(executor, settings, book)
    projector = Projector(ledger.pool, ledger.feed, views.projection(codec))
    async with open_gateway(
        config.need("stripe_api_key"), config.need("stripe_webhook_secret"), book, api_base=config.stripe_api_base
    ) as gateway:
        performances = Performances(executor, gateway, clock).by_kind()
        chores = Chores(ledger.pool, [projector], performances, clock)
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
                Route(handlers.ESCROW, ANNOUNCED, ("escrow.refunded.#",), {EscrowRefunded: incoming.escrow_refunded}),
            ],
            loops=[
                Loop("settings", settings.follow),
                Loop("worker", Worker(ledger.pool, projector.moved, performances, clock).run),
            ],
            jobs=[Job("resolve-unknown", resolve_unknown(chores, RESOLVE_KINDS))],
            router=http.router(incoming, views.Views(ledger.pool), gateway, gateway.read_notice),
            projections=[projector],
            announcer=Announcer("/holdfast/payment", (PAYMENT.kind,), codec, announce),
        )
