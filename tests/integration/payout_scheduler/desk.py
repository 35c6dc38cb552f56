"""A payout scheduler with its loops turned by hand, before a real database and a real twin of Stripe."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid5

import httpx
import stripe
from prometheus_client import CollectorRegistry

from contracts.events.base import Message
from contracts.events.escrows import EscrowClawedBack, EscrowReleased
from libs.devstack.stripe_twin import Endpoint, Twin
from libs.eventstore.codec import Codec
from libs.eventstore.execute import Executor
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Change, Meta, NewEvent, Unit, stream_name
from libs.eventstore.signal import Signal
from libs.eventstore.worklist import Worker
from libs.ledger.journal import entry, transfer
from libs.messaging.envelope import Envelope, decode, from_json, wrap
from libs.runtime.calls import Pace
from libs.runtime.http import create_app
from libs.runtime.server import serving
from libs.runtime.service import Service
from libs.runtime.telemetry import Telemetry
from libs.settings.live import LiveSettings
from libs.settings.registry import Setting, setting_id
from services.payout_scheduler.announce import announce
from services.payout_scheduler.domain import EVENTS
from services.payout_scheduler.domain.payout import payout_id
from services.payout_scheduler.domain.seller import seller_id
from services.payout_scheduler.gateway import NOTICE_TYPES, StripeGateway, open_gateway
from services.payout_scheduler.performances import Means, by_kind
from services.payout_scheduler.service import assemble
from services.payout_scheduler.views.reads import Views
from tests.integration.payout_scheduler import messages

SECRET = "whsec_payout_tests"  # noqa: S105 - a twin's
KEY = "sk_test_payouts"
DAY_SECONDS = 86_400
GOOD_BANK, BAD_BANK = "000123456789", "000111111116"
MONDAY, ORDERS = messages.MONDAY, messages.ORDERS
SLOT = "2026-W45"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Desk:
    """The service, and what shops, sellers, escrows and an impatient operator do with it."""

    service: Service
    owner: Ledger
    gateway: StripeGateway
    settings: LiveSettings
    twin: Twin
    http: httpx.AsyncClient
    url: str
    buyer: stripe.StripeClient
    _ids: Any = field(default_factory=lambda: count(1))

    @property
    def ledger(self) -> Ledger:
        return self.service.ledger

    @property
    def executor(self) -> Executor:
        return Executor(self.ledger.writer, Codec(EVENTS))

    def worker(self, executor: Executor | None = None) -> Worker:
        executor = executor or self.executor
        means = Means(executor, self.gateway, Views(self.ledger.pool), self.settings, 1, now)
        return Worker(self.ledger.pool, Signal(), by_kind(means), now)

    async def catch_up(self) -> None:
        for projector in self.service.projections:
            await projector.catch_up()

    async def work(self, as_of: datetime | None = None) -> None:
        """Do all that is due, again and again, until the twin has told everything and nothing is left."""
        while True:
            await self.twin.webhooks_idle()
            await self.catch_up()
            if not await self.worker().drain(as_of or now()):
                return

    async def later(self) -> None:
        """Work as if every pause and lease were over."""
        await self.ledger.pool.execute("update work set next_attempt_at = '-infinity', leased_until = null")
        await self.work(now() + timedelta(hours=1))

    async def pass_days(self, days: float) -> None:
        """Let Stripe's clock run on, and do what comes of it."""
        await self.twin.advance(int(days * DAY_SECONDS))
        await self.work()

    async def job(self, name: str, as_of: datetime) -> dict[str, Any]:
        [job] = [job for job in self.service.jobs if job.name == name]
        summary = dict(await job.run(as_of, lambda _line: None))
        json.dumps(summary)  # the command line prints it
        await self.work()
        return summary

    async def payouts_due(self, as_of: datetime = MONDAY) -> dict[str, Any]:
        return await self.job("payouts-due", as_of)

    # --- sellers

    async def register(self, seller: str = "anna", **more: Any) -> dict[str, Any]:
        answer = await self.http.post("/sellers", json={"seller": seller, "country": "US"} | more)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        await self.work()
        return await self.seller(seller)

    async def seller(self, seller: str = "anna") -> dict[str, Any]:
        return await self.get(f"/sellers/{seller}")

    async def onboard(self, seller: str = "anna", bank: str = GOOD_BANK) -> None:
        await self.twin.complete_account((await self.seller(seller))["account_id"], bank)
        await self.work()

    async def ready(self, seller: str = "anna", bank: str = GOOD_BANK) -> None:
        await self.register(seller)
        await self.onboard(seller, bank)

    # --- escrows

    async def charge(self, order_id: str, amount_minor: int, *, instant: bool = True) -> str:
        """A buyer's money at Stripe, available at once or two days later."""
        number = "4000000000000077" if instant else "4242424242424242"
        card: Any = {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"}
        method = await self.buyer.v1.payment_methods.create_async({"type": "card", "card": card})
        intent = await self.buyer.v1.payment_intents.create_async(
            {
                "amount": amount_minor,
                "currency": "usd",
                "confirm": True,
                "payment_method": method.id,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                "transfer_group": order_id,
            }
        )
        assert isinstance(intent.latest_charge, str)
        return intent.latest_charge

    async def by_hand(self, seller: str, amount_minor: int) -> None:
        """Somebody at the platform pays a seller out behind our back."""
        options: Any = {"stripe_account": (await self.seller(seller))["account_id"]}
        await self.buyer.v1.payouts.create_async({"amount": amount_minor, "currency": "usd"}, options)

    async def deaf(self) -> None:
        """From now on the twin tells us nothing."""
        await self.twin.set_webhooks(connect=Endpoint(self.url, SECRET, ("nothing",)))

    async def post(self, kind: str, at: datetime, postings: Any) -> None:
        """What another service writes into the ledger."""
        stream = stream_name(kind, uuid5(ORDERS, f"{kind}/{next(self._ids)}"))
        change = Change(stream, 0, [NewEvent("SomethingOfTheirs", "{}", at, postings)])
        await self.owner.store.append([Unit([change], Meta(kind))])

    async def hold(self, order_id: str, **shares: int) -> None:
        await self.receive(messages.held(order_id, shares))

    async def release(self, order_id: str, seller: str, gross: int, **more: Any) -> None:
        """A paid order's money becomes a seller's, and we do what follows."""
        await self.announce_release(order_id, seller, gross, **more)
        await self.work()

    async def announce_release(
        self,
        order_id: str,
        seller: str,
        gross: int,
        *,
        charge: str | None = None,
        commission: int | None = None,
        part: int = 1,
        times: int = 1,
        heard: bool = True,
    ) -> EscrowReleased:
        """Entries in the ledger and the message to us; a tenth is commission unless told otherwise."""
        charge = charge or await self.charge(order_id, gross)
        commission = gross // 10 if commission is None else commission
        captured = transfer("USD", gross, debit="stripe:platform", credit="funds:unallocated")
        await self.post("payment", MONDAY, captured)
        credit = {f"seller:{seller}:available": gross - commission, "revenue:commission": commission}
        await self.post("escrow", MONDAY, entry("USD", debit={"funds:unallocated": gross}, credit=credit))
        message = messages.released(order_id, seller, gross, commission, charge, part)
        for _ in range(times if heard else 0):
            await self.receive(message)
        return message

    async def claw_back(self, order_id: str, seller: str, net: int, *, heard: bool = True) -> EscrowClawedBack:
        """Released money goes back to the buyer: out of what we owe the seller; what goes beyond that they owe."""
        balance = min(net, -await self.balance(f"seller:{seller}:available"))
        debit = {f"seller:{seller}:available": balance, f"receivable:seller:{seller}": net - balance}
        await self.post("escrow", MONDAY, entry("USD", debit=debit, credit={"refunds:payable": net}))
        message = messages.clawed_back(order_id, seller, net, balance, next(self._ids))
        if heard:
            await self.receive(message)
        return message

    async def refund_part(self, order_id: str, seller: str, net: int, *, after_release: bool = False) -> None:
        number = next(self._ids)
        await self.receive(messages.part_refunded(order_id, seller, net, number, after_release=after_release))

    async def cover_chargeback(self, order_id: str, seller: str, held_net: int) -> None:
        await self.receive(messages.chargeback_covered(order_id, seller, held_net, next(self._ids)))

    async def refund(self, order_id: str, amount_minor: int) -> None:
        await self.receive(messages.refunded(order_id, amount_minor))

    async def receive(self, message: Message, message_id: str | None = None) -> None:
        """Hand a message to its handler, as a carrier would after its journey as bytes."""
        sent = wrap(message, id=message_id or f"9-{next(self._ids)}", source="/holdfast/escrow", time=MONDAY)
        await self.deliver(from_json(sent.to_json()))
        await self.catch_up()

    async def deliver(self, envelope: Envelope) -> None:
        message = decode(envelope)
        [route] = self.service.routes
        await route.handlers[type(message)](message, envelope)

    async def pay(self, key: str, status: int = httpx.codes.CREATED, **body: Any) -> dict[str, Any]:
        """Ask for a payout now."""
        await self.catch_up()
        answer = await self.http.post(
            "/payouts", json={"seller": "anna"} | body, headers={"idempotency-key": key} if key else {}
        )
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    # --- looking

    async def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        answer = await self.http.get(path, params=parameters)
        assert answer.status_code == httpx.codes.OK, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def payouts(self, seller: str = "anna") -> list[dict[str, Any]]:
        await self.catch_up()
        items: list[dict[str, Any]] = (await self.get("/payouts", seller=seller))["items"]
        return items

    async def wallet(self, seller: str = "anna") -> dict[str, int]:
        """The only currency of a seller, without its name."""
        await self.catch_up()
        [purse] = (await self.get(f"/wallets/{seller}"))["currencies"]
        always = ("available_minor", "pending_minor", "in_transit_minor", "earned_minor", "withdrawn_minor")
        return {
            name.removesuffix("_minor"): purse[name]
            for name in purse
            if name in always or (purse[name] and name != "currency")
        }

    async def clawbacks(self, **parameters: Any) -> list[dict[str, Any]]:
        await self.catch_up()
        items: list[dict[str, Any]] = (await self.get("/clawbacks", **parameters))["items"]
        return items

    async def announced(self, *types: type[Message]) -> list[Message]:
        """What others hear of us, in the order of the log; of these types, if any are named."""
        announcer = self.service.announcer
        assert announcer is not None
        events, _ = await self.owner.feed.read(0, list(announcer.kinds))
        heard = [announce(Codec(EVENTS).decode(event)) for event in events]
        return [message for message in heard if message and (not types or isinstance(message, types))]

    async def story(self, seller: str = "anna", slot: str = SLOT) -> list[str]:
        """What stands in the stream of a payout."""
        stream = stream_name("payout", payout_id(seller_id(1, seller), "USD", slot))
        return [event.type for event in (await self.owner.store.load(stream))[stream]]

    async def events_of(self, kind: str) -> list[str]:
        events, _ = await self.owner.feed.read(0, [kind])
        return [event.type for event in events]

    async def balance(self, account: str) -> int:
        return await self.owner.store.balance(account, "USD")

    async def work_left(self) -> list[str]:
        await self.catch_up()
        return [row["kind"] for row in await self.ledger.pool.fetch("select kind from work order by kind")]

    async def set(self, setting: Setting[Any], value: Any) -> None:
        """Store what the settings service stores."""
        stream = stream_name("setting", setting_id(1, setting.key))
        version = len((await self.owner.store.load(stream))[stream])
        event = NewEvent("SettingChanged", json.dumps({"new": setting.dump(value)}), MONDAY)
        await self.owner.store.append([Unit([Change(stream, version, [event])], Meta("ada"))])
        await self.settings.refresh()

    def twin_payouts(self) -> list[Mapping[str, Any]]:
        """All payouts that Stripe has, of all accounts."""
        return [payout.render() for payout in self.twin.world.payouts]

    def twin_reversed(self) -> int:
        """How much Stripe has brought back."""
        return sum(transfer.amount_reversed_minor for transfer in self.twin.world.transfers)

    def transfers_made(self) -> int:
        return len(self.twin.world.transfers)


@asynccontextmanager
async def open_desk(database_url: str, twin: Twin) -> AsyncIterator[Desk]:
    """A desk with an endpoint that the twin knows, and a gateway that soon loses its patience."""
    http_client = stripe.HTTPXClient()
    async with (
        open_ledger(database_url, "payout_scheduler") as ledger,
        open_ledger(database_url, None) as owner,
        open_gateway(
            KEY, SECRET, 1, api_base=twin.url, timeout_seconds=2.0, network_retries_max=0, pace=Pace(attempts_max=1)
        ) as gateway,
    ):
        settings = await LiveSettings.open(ledger)
        service = assemble(ledger, gateway, settings, now)
        assert service.router is not None
        app = create_app("payouts", [service.router], Telemetry(CollectorRegistry()), lambda: "c1")
        buyer = stripe.StripeClient(KEY, base_addresses={"api": twin.url}, http_client=http_client)
        async with serving(app, "127.0.0.1", 0) as url, httpx.AsyncClient(base_url=url) as client:
            await twin.set_webhooks(connect=Endpoint(f"{url}/webhooks/stripe-connect", SECRET, tuple(NOTICE_TYPES)))
            yield Desk(service, owner, gateway, settings, twin, client, url, buyer)
        await http_client.close_async()  # type: ignore[no-untyped-call]  # the SDK's
