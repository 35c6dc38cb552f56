"""The escrow service on a real ledger, fed with the messages that others would send."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Literal
from uuid import UUID, uuid4

from contracts.events.base import Message
from contracts.events.orders import OrderCancelled, OrderDelivered, OrderDisputed
from contracts.events.payments import (
    PaymentCaptured,
    PaymentChargebackClosed,
    PaymentChargedBack,
    PaymentFraudWarned,
)
from contracts.events.payouts import TransferReversed
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Appended, Change, Meta, NewEvent, Unit, stream_name
from libs.ledger.errors import Conflict
from libs.ledger.journal import transfer
from libs.messaging.envelope import Envelope, decode, from_json, wrap
from libs.runtime.service import Service
from libs.settings.live import LiveSettings
from libs.settings.registry import Setting, setting_id
from services.escrow.domain.allocation import allocation_id_of, escrow_id_of
from services.escrow.service import build
from tests.data_key import config

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
_serial = count(1)


def day(number: float) -> datetime:
    """So many days after the money came."""
    return NOON + timedelta(days=number)


@dataclass(frozen=True, slots=True)
class World:
    """`owner` sees the ledger with all rights, as the other services together would."""

    url: str
    owner: Ledger
    service: Service
    settings: LiveSettings

    async def pay(self, message: PaymentCaptured) -> None:
        """Post what the payment service posts at a capture."""
        postings = transfer(message.currency, message.amount_minor, debit="stripe:platform", credit="funds:unallocated")
        paid = NewEvent("PaymentCaptured", "{}", message.captured_at, postings)
        change = Change(stream_name("payment", uuid4()), 0, [paid])
        assert isinstance(await self.owner.writer.append(Unit([change], Meta("payment"))), Appended)

    async def post(self, *moves: tuple[str, str, int]) -> None:
        """What other services post: (debit, credit, amount)."""
        events = [
            NewEvent("Posted", "{}", NOON, transfer("USD", amount_minor, debit=debit, credit=credit))
            for debit, credit, amount_minor in moves
        ]
        change = Change(stream_name("payment", uuid4()), 0, events)
        assert isinstance(await self.owner.writer.append(Unit([change], Meta("payment"))), Appended)

    async def set(self, setting: Setting[Any], value: Any) -> None:
        """Store what the settings service stores."""
        data = json.dumps({"new": setting.dump(value)})
        stream = stream_name("setting", setting_id(1, setting.key))
        version = len((await self.owner.store.load(stream))[stream])
        await self.owner.writer.append(
            Unit([Change(stream, version, [NewEvent("SettingChanged", data, NOON)])], Meta("ada"))
        )
        await self.settings.refresh()

    async def receive(self, *envelopes: Envelope) -> None:
        """Hand messages to their handlers one after the other, as a carrier would after its journey as bytes."""
        for envelope in envelopes:
            arrived = from_json(envelope.to_json())
            message = decode(arrived)
            [handle] = [r.handlers[type(message)] for r in self.service.routes if type(message) in r.handlers]
            while True:
                try:
                    await handle(message, arrived)
                    break
                except Conflict:  # a carrier delivers it again
                    continue

    async def held(self, *order_ids: str) -> None:
        """Orders that are paid and held."""
        for order_id in order_ids:
            message = captured(order_id)
            await self.pay(message)
            await self.receive(envelope(message))

    async def release_due(self, as_of: float, progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
        [job] = self.service.jobs
        assert job.name == "release-due"
        return dict(await job.run(day(as_of), progress))

    async def show(self, order_id: str) -> dict[str, Any]:
        """The read model's rows of one order, up to date: its status, and that of each seller's part."""
        await self.catch_up()
        row = await self.service.ledger.pool.fetchrow("select * from escrows where order_id = $1", order_id)
        parts = await self.service.ledger.pool.fetch(
            "select seller, status from allocations where escrow_id = $1", escrow_id_of(1, order_id)
        )
        return {"status": row and row["status"]} | {part["seller"]: part["status"] for part in parts}

    async def catch_up(self) -> None:
        for projector in self.service.projections:
            await projector.catch_up()

    async def balances(self) -> dict[str, int]:
        """Balances in USD minor units, as accountants write them: credit balances positive for liabilities."""
        return {account: abs(amount) for (account, _), amount in (await self.owner.store.balances()).items() if amount}

    async def types(self, order_id: str) -> list[str]:
        """What stands in the escrow's stream."""
        stream = stream_name("escrow", escrow_id_of(1, order_id))
        return [event.type for event in (await self.owner.store.load(stream))[stream]]


@asynccontextmanager
async def open_world(url: str) -> AsyncIterator[World]:
    async with (
        open_ledger(url, None) as owner,
        open_ledger(url, "escrow") as ledger,
    ):
        settings = await LiveSettings.open(ledger)
        async with build(ledger, config(), settings, lambda: NOON) as service:
            yield World(url, owner, service, settings)


def captured(order_id: str = "order-1", **changes: Any) -> PaymentCaptured:
    """13,000 for anna (500 of it shipping), 3,000 for bert."""
    fields = {
        "payment_id": UUID(int=7),
        "order_id": order_id,
        "buyer": {"id": "buyer-1", "country": "DE"},
        "currency": "USD",
        "amount_minor": 16_000,
        "lines": [
            {"seller": "anna", "category": "books", "amount_minor": 12_500, "shipping_minor": 500},
            {"seller": "bert", "category": "toys", "amount_minor": 3_000},
        ],
        "charge": f"ch_{order_id}",
        "captured_at": NOON,
    }
    return PaymentCaptured.model_validate(fields | changes)


def delivered(order_id: str = "order-1", on: float = 3, seller: str | None = None) -> OrderDelivered:
    return OrderDelivered(
        order_id=order_id,
        confirmation="COURIER_CONFIRMED",
        confirmed_by="courier",
        delivered_at=day(on),
        seller=seller,
    )


def cancelled(order_id: str = "order-1") -> OrderCancelled:
    return OrderCancelled(order_id=order_id, cancelled_by="shop", reason="out of stock")


def disputed(order_id: str = "order-1", seller: str | None = None) -> OrderDisputed:
    return OrderDisputed(order_id=order_id, seller=seller, opened_by="buyer", reason="broken")


BANK = UUID(int=99)


def charged_back(
    order_id: str = "order-1", amount_minor: int = 16_000, stage: Literal["inquiry", "chargeback"] = "chargeback"
) -> PaymentChargedBack:
    return PaymentChargedBack(
        payment_id=UUID(int=7),
        order_id=order_id,
        chargeback_id=BANK,
        stage=stage,
        currency="USD",
        amount_minor=amount_minor,
        reason="fraudulent",
        respond_by=day(20),
        opened_at=day(12),
    )


def closed(
    outcome: Literal["won", "lost", "withdrawn"], order_id: str = "order-1", to_cover_minor: int = 0
) -> PaymentChargebackClosed:
    return PaymentChargebackClosed(
        payment_id=UUID(int=7),
        order_id=order_id,
        chargeback_id=BANK,
        outcome=outcome,
        currency="USD",
        amount_minor=16_000,
        to_cover_minor=to_cover_minor,
        closed_at=day(20),
    )


def warned(order_id: str = "order-1") -> PaymentFraudWarned:
    return PaymentFraudWarned(payment_id=UUID(int=7), order_id=order_id, warning_id="issfr_1", warned_at=day(1))


def reversed_(clawback_id: UUID, amount_minor: int, short_minor: int = 0, seller: str = "bert") -> TransferReversed:
    escrow_id = escrow_id_of(1, "order-1")
    return TransferReversed(
        clawback_id=clawback_id,
        escrow_id=escrow_id,
        allocation_id=allocation_id_of(escrow_id, seller),
        order_id="order-1",
        seller=seller,
        currency="USD",
        amount_minor=amount_minor,
        short_minor=short_minor,
        reversed_at=day(13),
    )


def envelope(message: Message, *, at: float = 2, message_id: str | None = None) -> Envelope:
    source = "/shop" if message.type.startswith("order.") else "/holdfast/payment"
    return wrap(message, id=message_id or f"{source}-{next(_serial)}", source=source, time=day(at))
