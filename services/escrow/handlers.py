"""What comes in: captured payments, what shops say of orders, the clock. Each becomes one command and one append."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from contracts.events.orders import OrderCancelled, OrderDelivered, OrderDisputed
from contracts.events.payments import PaymentCaptured
from libs.eventstore.execute import Done, Executor, Step
from libs.eventstore.model import Meta
from libs.ledger.personal import FreeText, of_order
from libs.messaging.envelope import Envelope
from libs.messaging.received import key_of, meta_of
from libs.settings import registry
from libs.settings.live import LiveSettings
from services.escrow.domain.allocation import CommissionTerms, Line, escrow_id_of
from services.escrow.domain.commands import HearFact, HoldFunds, ReleaseDue, Terms
from services.escrow.domain.escrow import ESCROW
from services.escrow.domain.facts import Cancelled, Delivered, Disputed, Fact

ORDERS: Final = "escrow.orders"
PAYMENTS: Final = "escrow.payments"


class Handlers:
    """All may raise what `Executor.run` raises; the codes of refusals are in the README."""

    def __init__(self, executor: Executor, settings: LiveSettings, book: int) -> None:
        self._executor = executor
        self._settings = settings
        self._book = book

    async def payment_captured(self, message: PaymentCaptured, envelope: Envelope) -> None:
        escrow_id = escrow_id_of(self._book, message.order_id)
        command = HoldFunds(
            at=message.captured_at,
            escrow_id=escrow_id,
            order_id=message.order_id,
            payment_id=message.payment_id,
            currency=message.currency,
            amount_minor=message.amount_minor,
            charge=message.charge,
            lines=_lines(message),
            terms=self._terms(message.currency),
        )
        await self._executor.run(
            Step(ESCROW, escrow_id, command), meta=meta_of(envelope), key=key_of(PAYMENTS, envelope)
        )

    async def order_delivered(self, message: OrderDelivered, envelope: Envelope) -> None:
        fact = Delivered(
            at=message.delivered_at,
            confirmation=message.confirmation,
            confirmed_by=message.confirmed_by,
            seller=message.seller,
            proof=_text(message.proof, message.confirmed_by, message.order_id) if message.proof else None,
        )
        await self._hear(message.order_id, fact, envelope, meta_of(envelope, actor=message.confirmed_by))

    async def order_cancelled(self, message: OrderCancelled, envelope: Envelope) -> None:
        reason = _text(message.reason, message.cancelled_by, message.order_id)
        fact = Cancelled(at=envelope.time, cancelled_by=message.cancelled_by, reason=reason)
        await self._hear(message.order_id, fact, envelope, meta_of(envelope, actor=message.cancelled_by))

    async def order_disputed(self, message: OrderDisputed, envelope: Envelope) -> None:
        reason = _text(message.reason, message.opened_by, message.order_id)
        fact = Disputed(at=envelope.time, opened_by=message.opened_by, reason=reason, seller=message.seller)
        await self._hear(message.order_id, fact, envelope, meta_of(envelope, actor=message.opened_by))

    async def release_due(self, escrow_id: UUID, order_id: str, as_of: datetime) -> Done:
        """Do what this escrow's timers say at `as_of`. Needs no key: what is released is not due again."""
        meta = Meta("release-due", f"due at {as_of.isoformat()}", correlation_id=order_id)
        return await self._executor.run(Step(ESCROW, escrow_id, ReleaseDue(as_of=as_of)), meta=meta)

    async def _hear(self, order_id: str, fact: Fact, envelope: Envelope, meta: Meta) -> None:
        escrow_id = escrow_id_of(self._book, order_id)
        step = Step(ESCROW, escrow_id, HearFact(escrow_id=escrow_id, order_id=order_id, fact=fact))
        await self._executor.run(step, meta=meta, key=key_of(ORDERS, envelope))

    def _terms(self, currency: str) -> Terms:
        commission = self._settings.get(registry.COMMISSION_CARD)
        return Terms(
            hold=self._settings.get(registry.ESCROW_ENABLED),
            commission=CommissionTerms(
                basis_points=commission.basis_points,
                min_minor=registry.amount_in(commission.min_minor, currency),
                max_minor=registry.amount_in(commission.max_minor, currency),
            ),
            inspection_days=self._settings.get(registry.ESCROW_INSPECTION_DAYS),
            deliver_by_days=self._settings.get(registry.ESCROW_DELIVER_BY_DAYS),
            hold_days_max=self._settings.get(registry.ESCROW_HOLD_DAYS_MAX),
        )


def _text(text: str, author: str, order_id: str) -> FreeText:
    """It belongs to its author, and to the order: a shop's words about a buyer must go when the buyer is forgotten."""
    return FreeText(text, (author, of_order(order_id)))


def _lines(message: PaymentCaptured) -> tuple[Line, ...]:
    return tuple(
        Line(seller=line.seller, amount_minor=line.amount_minor, shipping_minor=line.shipping_minor)
        for line in message.lines
    )
