"""What comes in: orders, refunds of escrows, notices of the processor. Each becomes one command and one append."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from contracts.events.escrows import EscrowRefunded
from contracts.events.orders import OrderCancelled, OrderPlaced
from libs.eventstore.execute import Executor, Step
from libs.eventstore.model import Meta
from libs.ledger.money import CURRENCIES
from libs.messaging.envelope import Envelope
from libs.messaging.received import key_of, meta_of
from libs.runtime import notices
from libs.settings import registry
from libs.settings.live import LiveSettings
from services.payment.domain.order import Buyer, Limits, Line, Order, payment_id_of
from services.payment.domain.payment import PAYMENT, CancelOrder, PlaceOrder
from services.payment.domain.refunds import RequestRefund
from services.payment.domain.report import IntentReport, RefundReport
from services.payment.domain.webhook import WEBHOOK, Notice, Receive, webhook_id_of

ORDERS: Final = "payment.orders"
ESCROW: Final = "payment.escrow"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentCall:
    """A payment intent to be created. The same attempt has the same key and the same content for ever."""

    payment_id: UUID
    order_id: str
    currency: str
    amount_minor: int
    attempt: int
    correlation_id: str | None

    @property
    def key(self) -> str:
        return f"pi:{self.payment_id}:{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCall:
    """A refund to be made. It has one key for ever: of two refunds both would move money."""

    refund_id: UUID
    payment_id: UUID
    order_id: str
    intent_id: str
    amount_minor: int
    correlation_id: str | None

    @property
    def key(self) -> str:
        return f"re:{self.refund_id}:1"


class Processor(Protocol):
    """The card processor. Every method raises `Refused`, `TurnedAway` or `Unknown`."""

    async def create_intent(self, call: IntentCall) -> IntentReport: ...

    async def find_intent(self, payment_id: UUID) -> IntentReport | None:
        """The intent made for this payment, if any. One made less than a minute ago may not be found yet."""

    async def read_intent(self, intent_id: str) -> IntentReport: ...

    async def cancel_intent(self, intent_id: str) -> IntentReport: ...

    async def create_refund(self, call: RefundCall) -> RefundReport: ...

    async def find_refund(self, intent_id: str, refund_id: UUID) -> RefundReport | None:
        """The refund of this intent that was made under our id, if any."""

    async def read_refund(self, processor_id: str) -> RefundReport: ...

    async def client_secret(self, intent_id: str) -> str | None:
        """What the buyer's browser needs to pay, None when there is nothing to pay any more. Never to be kept."""


class Handlers:
    def __init__(self, executor: Executor, settings: LiveSettings, book: int) -> None:
        self._executor = executor
        self._settings = settings
        self._book = book

    async def order_placed(self, message: OrderPlaced, envelope: Envelope) -> None:
        payment_id = payment_id_of(self._book, message.order_id)
        command = PlaceOrder(
            at=message.placed_at, payment_id=payment_id, order=_order(message), limits=self._limits(message.currency)
        )
        await self._executor.run(
            Step(PAYMENT, payment_id, command), meta=meta_of(envelope), key=key_of(ORDERS, envelope)
        )

    async def order_cancelled(self, message: OrderCancelled, envelope: Envelope) -> None:
        payment_id = payment_id_of(self._book, message.order_id)
        command = CancelOrder(
            at=envelope.time,
            payment_id=payment_id,
            order_id=message.order_id,
            requested_by=message.cancelled_by,
        )
        meta = meta_of(envelope, actor=message.cancelled_by)
        await self._executor.run(Step(PAYMENT, payment_id, command), meta=meta, key=key_of(ORDERS, envelope))

    async def escrow_refunded(self, message: EscrowRefunded, envelope: Envelope) -> None:
        command = RequestRefund(
            at=message.refunded_at,
            payment_id=message.payment_id,
            refund_id=message.refund_id,
            amount_minor=message.amount_minor,
        )
        step = Step(PAYMENT, message.payment_id, command)
        await self._executor.run(step, meta=meta_of(envelope), key=key_of(ESCROW, envelope))

    async def notice(self, notice: Notice) -> None:
        """Keep a notice of the processor, once; a worker reads its object again."""
        step = Step(WEBHOOK, webhook_id_of(self._book, notice.notice_id), Receive(notice))
        key = notices.key_of(notice.notice_id, notice.type)
        await self._executor.run(step, meta=Meta("stripe", correlation_id=notice.correlation_id), key=key)

    def _limits(self, currency: str) -> Limits | None:
        if currency not in CURRENCIES:
            return None
        least, most = (
            registry.amount_in(self._settings.get(setting), currency)
            for setting in (registry.PAYMENT_AMOUNT_MIN, registry.PAYMENT_AMOUNT_MAX)
        )
        return Limits(amount_min_minor=least, amount_max_minor=most)


def _order(message: OrderPlaced) -> Order:
    return Order(
        order_id=message.order_id,
        buyer=Buyer(id=message.buyer.id, country=message.buyer.country),
        currency=message.currency,
        rail=message.rail,
        lines=tuple(
            Line(
                seller=line.seller,
                category=line.category,
                amount_minor=line.amount_minor,
                shipping_minor=line.shipping_minor,
            )
            for line in message.lines
        ),
    )
