"""Messages and the clock: what payments, shops, the bank and the sellers' side say. Each becomes one append."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from contracts.events.orders import OrderCancelled, OrderDelivered, OrderDisputed
from contracts.events.payments import (
    PaymentCaptured,
    PaymentChargebackClosed,
    PaymentChargedBack,
    PaymentFraudWarned,
)
from contracts.events.payouts import TransferReversed
from libs.eventstore.execute import Done
from libs.eventstore.model import Meta
from libs.messaging.envelope import Envelope
from libs.messaging.received import key_of, meta_of
from libs.settings import registry
from libs.settings.live import LiveSettings
from services.escrow.domain.allocation import CommissionTerms, Line, escrow_id_of
from services.escrow.domain.commands import HearFact, HoldFunds, ReleaseDue, SettleClawback, Terms
from services.escrow.domain.facts import (
    Cancelled,
    ChargebackClosed,
    ChargedBack,
    Delivered,
    Disputed,
    Fact,
    FraudWarned,
)
from services.escrow.handlers.steps import Steps, typed

ORDERS: Final = "escrow.orders"
PAYMENTS: Final = "escrow.payments"
TRANSFERS: Final = "escrow.transfers"


class Handlers:
    """All may raise what `Executor.run` raises; the codes of refusals are in the README."""

    def __init__(self, steps: Steps, settings: LiveSettings, book: int) -> None:
        self._steps = steps
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
        await self._steps.run(escrow_id, command, meta_of(envelope), key_of(PAYMENTS, envelope))

    async def payment_charged_back(self, message: PaymentChargedBack, envelope: Envelope) -> None:
        fact = ChargedBack(
            at=message.opened_at,
            chargeback_id=message.chargeback_id,
            stage=message.stage,
            amount_minor=message.amount_minor,
            borne_by=self._settings.get(registry.CHARGEBACK_BORNE_BY),
        )
        await self._hear_the_bank(message.order_id, fact, envelope)

    async def payment_chargeback_closed(self, message: PaymentChargebackClosed, envelope: Envelope) -> None:
        fact = ChargebackClosed(
            at=message.closed_at,
            chargeback_id=message.chargeback_id,
            outcome=message.outcome,
            to_cover_minor=message.to_cover_minor,
            borne_by=self._settings.get(registry.CHARGEBACK_BORNE_BY),
        )
        await self._hear_the_bank(message.order_id, fact, envelope)

    async def payment_fraud_warned(self, message: PaymentFraudWarned, envelope: Envelope) -> None:
        if self._settings.get(registry.RISK_FRAUD_WARNING) == "freeze":
            await self._hear_the_bank(
                message.order_id, FraudWarned(at=message.warned_at, warning_id=message.warning_id), envelope
            )

    async def transfer_reversed(self, message: TransferReversed, envelope: Envelope) -> None:
        command = SettleClawback(
            at=message.reversed_at,
            clawback_id=message.clawback_id,
            reversed_minor=message.amount_minor,
            short_minor=message.short_minor,
        )
        await self._steps.run(message.escrow_id, command, meta_of(envelope), key_of(TRANSFERS, envelope))

    async def order_delivered(self, message: OrderDelivered, envelope: Envelope) -> None:
        fact = Delivered(
            at=message.delivered_at,
            confirmation=message.confirmation,
            confirmed_by=message.confirmed_by,
            seller=message.seller,
            proof=typed(message.proof, message.confirmed_by, message.order_id) if message.proof else None,
        )
        await self._hear(message.order_id, fact, envelope, meta_of(envelope, actor=message.confirmed_by))

    async def order_cancelled(self, message: OrderCancelled, envelope: Envelope) -> None:
        reason = typed(message.reason, message.cancelled_by, message.order_id)
        fact = Cancelled(at=envelope.time, cancelled_by=message.cancelled_by, reason=reason)
        await self._hear(message.order_id, fact, envelope, meta_of(envelope, actor=message.cancelled_by))

    async def order_disputed(self, message: OrderDisputed, envelope: Envelope) -> None:
        reason = typed(message.reason, message.opened_by, message.order_id)
        fact = Disputed(at=envelope.time, opened_by=message.opened_by, reason=reason, seller=message.seller)
        await self._hear(message.order_id, fact, envelope, meta_of(envelope, actor=message.opened_by))

    async def release_due(self, escrow_id: UUID, order_id: str, as_of: datetime) -> Done:
        """Do what this escrow's timers say at `as_of`. Needs no key: what is released is not due again."""
        meta = Meta("release-due", f"due at {as_of.isoformat()}", correlation_id=order_id)
        return await self._steps.run(escrow_id, ReleaseDue(as_of=as_of), meta)

    async def _hear(self, order_id: str, fact: Fact, envelope: Envelope, meta: Meta) -> None:
        escrow_id = escrow_id_of(self._book, order_id)
        command = HearFact(escrow_id=escrow_id, order_id=order_id, fact=fact)
        await self._steps.run(escrow_id, command, meta, key_of(ORDERS, envelope))

    async def _hear_the_bank(self, order_id: str, fact: Fact, envelope: Envelope) -> None:
        escrow_id = escrow_id_of(self._book, order_id)
        await self._steps.run_with_balances(
            escrow_id,
            lambda available: HearFact(escrow_id=escrow_id, order_id=order_id, fact=fact, available_minor=available),
            meta_of(envelope),
            key_of(PAYMENTS, envelope),
        )

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


def _lines(message: PaymentCaptured) -> tuple[Line, ...]:
    return tuple(
        Line(seller=line.seller, amount_minor=line.amount_minor, shipping_minor=line.shipping_minor)
        for line in message.lines
    )
