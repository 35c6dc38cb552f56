"""What comes in: orders, refunds of escrows, notices of the processor. Each becomes one command and one append."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol
from uuid import UUID

from contracts.events.escrows import EscrowAllocationRefunded, EscrowRefunded
from contracts.events.orders import OrderCancelled, OrderPlaced
from libs.eventstore.execute import Derived, Executor, Place, Step
from libs.eventstore.model import Key, Meta
from libs.ledger.money import CURRENCIES, currency
from libs.messaging.envelope import Envelope
from libs.messaging.received import key_of, meta_of
from libs.runtime import notices
from libs.settings import registry
from libs.settings.live import LiveSettings
from services.payment.domain.adjustment import ADJUSTMENT, Adjust, AdjustmentMade, adjustment_id
from services.payment.domain.chargeback_events import EvidenceField
from services.payment.domain.order import Buyer, Limits, Line, Order, payment_id_of
from services.payment.domain.payment import PAYMENT, CancelOrder, PaymentCommand
from services.payment.domain.placing import PlaceOrder
from services.payment.domain.refunds import RequestRefund
from services.payment.domain.report import DisputeReport, FraudReport, IntentReport, RefundReport
from services.payment.domain.spending import SPENDING, Caps, Spending, TakeAllowance, allowance_of
from services.payment.domain.state import State
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
    statement_suffix: str | None
    correlation_id: str | None

    @property
    def key(self) -> str:
        return f"pi:{self.payment_id}:{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCall:
    """An attempt at a refund. It has one key for ever: of two refunds both would move money."""

    refund_id: UUID
    payment_id: UUID
    order_id: str
    intent_id: str
    currency: str
    amount_minor: int
    attempt: int
    correlation_id: str | None

    @property
    def key(self) -> str:
        return f"re:{self.refund_id}:{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCall:
    """Evidence to be sent, by the processor's names. Its `number` stays when another key (`version`) is needed."""

    dispute_id: str
    number: int
    version: int
    texts: Mapping[EvidenceField, str] = field(repr=False)
    submit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The payment that an object without our names belongs to."""

    payment_id: UUID
    correlation_id: str | None


CancelReason = Literal["requested_by_customer", "abandoned"]


class Processor(Protocol):
    """The card processor. Every method raises `Refused`, `TurnedAway` or `Unknown`."""

    async def create_intent(self, call: IntentCall) -> IntentReport: ...

    async def find_intent(self, payment_id: UUID) -> IntentReport | None:
        """The intent made for this payment, if any. One made less than a minute ago may not be found yet."""

    async def read_intent(self, intent_id: str) -> IntentReport: ...

    async def cancel_intent(self, intent_id: str, why: CancelReason) -> IntentReport: ...

    async def create_refund(self, call: RefundCall) -> RefundReport: ...

    async def find_refund(self, call: RefundCall) -> RefundReport | None:
        """The refund that this attempt made, if any."""

    async def read_refund(self, processor_id: str) -> RefundReport: ...

    async def read_dispute(self, dispute_id: str) -> tuple[DisputeReport, Owner | None]:
        """A dispute, and its payment if it is one of this book's."""

    async def read_fraud_warning(self, warning_id: str) -> tuple[FraudReport, Owner | None]:
        """An early fraud warning, and its payment if it is one of this book's."""

    async def send_evidence(self, call: EvidenceCall) -> int:
        """How often evidence was given to the bank with this."""

    async def find_evidence(self, call: EvidenceCall) -> int | None:
        """As `send_evidence` if this evidence has arrived, else None."""

    async def accept_dispute(self, dispute_id: str, version: int) -> DisputeReport: ...

    async def client_secret(self, intent_id: str) -> str | None:
        """What the buyer's browser needs to pay, None when there is nothing to pay any more. Never to be kept."""


class Handlers:
    def __init__(self, executor: Executor, settings: LiveSettings, book: int, clock: Callable[[], datetime]) -> None:
        self._executor = executor
        self._settings = settings
        self._book = book
        self._clock = clock

    async def order_placed(self, message: OrderPlaced, envelope: Envelope) -> None:
        """Accept the order and take the buyer's allowance for it in one unit, or refuse it."""
        await self._executor.run(*self._placing(message), meta=meta_of(envelope), key=key_of(ORDERS, envelope))

    def _placing(self, message: OrderPlaced) -> tuple[Step | Derived, ...]:
        order, payment_id = _order(message), payment_id_of(self._book, message.order_id)
        command = PlaceOrder(
            at=message.placed_at,
            payment_id=payment_id,
            order=order,
            limits=self._limits(message.currency),
            # From now and not from when the shop says it was: a message that was late must leave time to pay.
            expires_at=self._clock() + timedelta(hours=self._settings.get(registry.PAYMENT_EXPIRE_HOURS)),
            statement_suffix=self._settings.get(registry.PAYMENT_STATEMENT_DESCRIPTOR) or None,
        )
        if command.limits is None or currency(order.currency).kind != "fiat":
            return (Step(PAYMENT, payment_id, command),)  # which is refused, and takes nothing of any buyer's limits
        nominal_minor = registry.nominal_of(order.amount_minor, order.currency)
        allowance = allowance_of(self._book, order.buyer.id, message.placed_at, nominal_minor)
        caps = self._caps()

        def place(spending: Spending) -> PlaceOrder:
            return replace(command, allowance=allowance, over_limit=spending.refusal(allowance, caps))

        def take(payment: State) -> TakeAllowance | None:
            if payment.allowance != allowance:
                return None
            return TakeAllowance(at=message.placed_at, payment_id=payment_id, allowance=allowance)

        paid, spent = Place(PAYMENT, payment_id), Place(SPENDING, allowance.spending_id)
        return (
            Derived(PAYMENT, payment_id, place, given=(spent,)),
            Derived(SPENDING, allowance.spending_id, take, given=(paid,)),
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

    async def escrow_refunded(self, message: EscrowRefunded | EscrowAllocationRefunded, envelope: Envelope) -> None:
        command = RequestRefund(
            at=message.refunded_at,
            payment_id=message.payment_id,
            refund_id=message.refund_id,
            amount_minor=message.amount_minor,
        )
        step = Step(PAYMENT, message.payment_id, command)
        await self._executor.run(step, meta=meta_of(envelope), key=key_of(ESCROW, envelope))

    async def asked(self, command: PaymentCommand, meta: Meta, key: Key) -> State:
        """Do what a person asks of a payment, once under this key; its state after that. Raises as the domain does."""
        await self._executor.run(Step(PAYMENT, command.payment_id, command), meta=meta, key=key)
        state: State = await self._executor.state(PAYMENT, command.payment_id)
        return state

    async def adjust(self, command: Adjust, meta: Meta, key: Key) -> tuple[UUID, AdjustmentMade]:
        """Book by hand, once under this key. Raises as the domain does, and `Rejected` (`period_closed`)."""
        stream_id = adjustment_id(self._book, key.value)
        # In the course of clearing this object: by that name reconciliation finds it, whichever service examines it.
        meta = replace(meta, correlation_id=command.reference or meta.correlation_id)
        await self._executor.run(Step(ADJUSTMENT, stream_id, command), meta=meta, key=key, as_dated=True)
        made: AdjustmentMade = await self._executor.state(ADJUSTMENT, stream_id)
        return stream_id, made

    async def notice(self, notice: Notice) -> bool:
        """Keep a notice of the processor, once; a worker reads its object again. Returns whether it was new."""
        step = Step(WEBHOOK, webhook_id_of(self._book, notice.notice_id), Receive(notice))
        key = notices.key_of(notice.notice_id, notice.type)
        done = await self._executor.run(step, meta=Meta("stripe", correlation_id=notice.correlation_id), key=key)
        return bool(done.events)

    def _caps(self) -> Caps:
        return Caps(
            daily_nominal_minor=self._settings.get(registry.PAYMENT_DAILY_LIMIT),
            monthly_nominal_minor=self._settings.get(registry.PAYMENT_MONTHLY_LIMIT),
            daily_count_max=self._settings.get(registry.PAYMENT_DAILY_COUNT_MAX),
        )

    def _limits(self, code: str) -> Limits | None:
        if code not in CURRENCIES:
            return None
        least, most = (
            registry.amount_in(self._settings.get(setting), code)
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
