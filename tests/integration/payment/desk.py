"""A payment service with its loops turned by hand, before a real database and a real twin of Stripe."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import httpx
from prometheus_client import CollectorRegistry

from contracts.events.base import Message
from contracts.events.escrows import EscrowRefunded
from contracts.events.orders import Buyer, OrderCancelled, OrderLine, OrderPlaced
from libs.devstack.stripe_twin import Twin
from libs.devstack.stripe_twin.config import Endpoint
from libs.eventstore.codec import Codec
from libs.eventstore.execute import Executor
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Change, Meta, NewEvent, Unit, stream_name
from libs.eventstore.projector import Projector
from libs.eventstore.signal import Signal
from libs.eventstore.vault import Vault
from libs.eventstore.worklist import Worker
from libs.ledger import chart
from libs.ledger.decider import Event
from libs.ledger.journal import transfer
from libs.messaging.envelope import Envelope, wrap
from libs.runtime.calls import Pace
from libs.runtime.http import create_app
from libs.runtime.reconcile.reads import Reads
from libs.runtime.server import serving
from libs.runtime.telemetry import Telemetry
from libs.settings.live import LiveSettings
from services.payment import http, views
from services.payment.domain import EVENTS, PAYMENT
from services.payment.domain.order import payment_id_of
from services.payment.domain.state import State
from services.payment.gateway import NOTICE_TYPES, StripeGateway, open_gateway
from services.payment.handlers import Handlers, Processor
from services.payment.performances import Performances
from tests.data_key import MASTER

SECRET = "whsec_payment_tests"  # noqa: S105 - a twin's
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ORDER = OrderPlaced(
    order_id="A-1",
    buyer=Buyer(id="b1", country="DE"),
    currency="EUR",
    rail="card",
    lines=(OrderLine(seller="s1", category="books", amount_minor=3_700, shipping_minor=300),),
    placed_at=NOON,
)


def now() -> datetime:
    return datetime.now(UTC)


def refund_id(number: int = 1) -> UUID:
    return uuid5(payment_id_of(1, ORDER.order_id), f"refund/{number}")


@dataclass
class Desk:
    """The parts of the service, and what a shop, a buyer and an impatient operator do with it."""

    ledger: Ledger
    owner: Ledger
    executor: Executor
    gateway: StripeGateway
    handlers: Handlers
    projector: Projector
    twin: Twin
    http: httpx.AsyncClient
    url: str
    _ids: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)

    def worker(self, processor: Processor | None = None, executor: Executor | None = None) -> Worker:
        performances = Performances(executor or self.executor, processor or self.gateway, now)
        return Worker(self.ledger.pool, Signal(), performances.by_kind(), now)

    async def work(self, as_of: datetime | None = None) -> None:
        """Do all that is due, again and again, until the twin has told everything and nothing is left."""
        while True:
            await self.projector.catch_up()
            tried = await self.worker().drain(as_of or now())
            if not tried:
                await self.twin.webhooks_idle()
                await self.projector.catch_up()
                tried = await self.worker().drain(as_of or now())
            if not tried:
                return

    async def later(self) -> None:
        """Work as if every pause and lease were over."""
        await self.ledger.pool.execute("update work set next_attempt_at = '-infinity', leased_until = null")
        await self.work(now() + timedelta(hours=1))

    def envelope(self, message: Message) -> Envelope:
        return wrap(message, id=f"m{self._ids()}", source="/shop", time=NOON)

    async def place(self, order: OrderPlaced = ORDER) -> None:
        await self.handlers.order_placed(order, self.envelope(order))

    async def cancel(self, order_id: str = ORDER.order_id) -> None:
        message = OrderCancelled(order_id=order_id, cancelled_by="b1", reason="too slow")
        await self.handlers.order_cancelled(message, self.envelope(message))

    async def place_and_pay(self, card: str = "pm_card_visa", order: OrderPlaced = ORDER) -> None:
        await self.place(order)
        await self.work()
        await self.twin.confirm(await self.intent_id(order.order_id), card)
        await self.work()

    async def refund(self, amount_minor: int = 4_000, number: int = 1) -> None:
        """The escrow gives captured money back: its own entry, and its message to us."""
        entry = transfer("EUR", amount_minor, debit=chart.FUNDS_UNALLOCATED, credit=chart.REFUNDS_PAYABLE)
        change = Change(stream_name("escrow", refund_id(number)), 0, [NewEvent("Refunded", "{}", NOON, entry)])
        await self.owner.store.append([Unit([change], Meta("escrow"))])
        payment_id = payment_id_of(1, ORDER.order_id)
        message = EscrowRefunded(
            escrow_id=payment_id,
            payment_id=payment_id,
            order_id=ORDER.order_id,
            currency="EUR",
            refund_id=refund_id(number),
            amount_minor=amount_minor,
            reason="cancelled",
            refunded_at=NOON,
        )
        await self.handlers.escrow_refunded(message, self.envelope(message))

    async def state(self, order_id: str = ORDER.order_id) -> State:
        state: State = await self.executor.state(PAYMENT, payment_id_of(1, order_id))
        return state

    async def intent_id(self, order_id: str = ORDER.order_id) -> str:
        return (await self.state(order_id)).intent()

    async def events(self, order_id: str = ORDER.order_id) -> list[Event]:
        stream = stream_name("payment", payment_id_of(1, order_id))
        codec: Codec[Any] = Codec(EVENTS)
        return [codec.decode(recorded) for recorded in (await self.ledger.store.load(stream))[stream]]

    async def story(self, order_id: str = ORDER.order_id) -> list[str]:
        return [type(event).__name__ for event in await self.events(order_id)]

    async def shown(self, order_id: str = ORDER.order_id) -> dict[str, Any]:
        answer = await self.http.get(f"/payments/{payment_id_of(1, order_id)}")
        assert answer.status_code == httpx.codes.OK, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def work_left(self) -> list[str]:
        return [row["kind"] for row in await self.ledger.pool.fetch("select kind from work order by kind")]

    async def balance(self, account: str) -> int:
        return await self.ledger.store.balance(account, "EUR")


@asynccontextmanager
async def open_desk(database_url: str, twin: Twin) -> AsyncIterator[Desk]:
    """A desk with an endpoint that the twin knows, and a gateway that soon loses its patience."""
    async with (
        open_ledger(database_url, "payment") as ledger,
        open_ledger(database_url, None) as owner,
        open_gateway(
            "sk_test_payment",
            SECRET,
            1,
            api_base=twin.url,
            timeout_seconds=1.0,
            network_retries_max=0,
            pace=Pace(attempts_max=1),
        ) as gateway,
    ):
        executor = Executor(ledger.writer, Codec(EVENTS), Vault(ledger.pool, 1, [MASTER]))
        projector = Projector(ledger.pool, ledger.feed, views.projection(Codec(EVENTS)))
        handlers = Handlers(executor, await LiveSettings.open(ledger), 1, now)
        reads = views.Views(ledger.pool)
        router = http.router(handlers, reads, Reads(ledger.pool), gateway, gateway.read_notice, now)
        app = create_app("payment", [router], Telemetry(CollectorRegistry()), lambda: "c1")
        async with serving(app, "127.0.0.1", 0) as url, httpx.AsyncClient(base_url=url) as client:
            await twin.set_webhooks(platform=Endpoint(f"{url}/webhooks/stripe", SECRET, tuple(NOTICE_TYPES)))
            yield Desk(ledger, owner, executor, gateway, handlers, projector, twin, client, url)
