"""`/payments`: what is paid, how to pay it, what was given back, and what the buyer contests."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from libs.runtime.service import Clock
from services.payment.domain.state import OPEN, Status
from services.payment.handlers import Processor
from services.payment.http import chargebacks
from services.payment.http.chargebacks import ChargebackOut
from services.payment.http.refunds import RefundListedOut
from services.payment.views import Views


class PaymentOut(BaseModel):
    """A payment. Amounts in minor units. `last_failure_code` is the processor's, or ours if it was rejected."""

    payment_id: UUID
    order_id: str
    status: Status
    currency: str
    amount_minor: int
    refunded_minor: int
    requested_at: AwareDatetime
    captured_at: AwareDatetime | None
    intent_id: str | None
    charge: str | None
    last_failure_code: str | None
    cancel_requested: bool
    expires_at: AwareDatetime | None


class FraudWarningOut(BaseModel):
    """A card issuer's suspicion; `code` is the processor's word for it."""

    warning_id: str
    code: str
    warned_at: AwareDatetime


class PaymentDetailOut(PaymentOut):
    """`client_secret` is for the buyer's browser (Stripe.js) alone, and there only while there is something to pay."""

    client_secret: str | None
    refunds: list[RefundListedOut]
    chargebacks: list[ChargebackOut]
    fraud_warnings: list[FraudWarningOut]


class PageOut(BaseModel):
    """`next` goes into `after` for the following page; null on the last one."""

    items: list[PaymentOut]
    next: int | None


def router(views: Views, processor: Processor, clock: Clock) -> APIRouter:
    routes = APIRouter()

    @routes.get("/payments", tags=["payments"])
    async def payments(
        order_id: Annotated[str | None, Query(max_length=64)] = None,
        status: Status | None = None,
        after: Annotated[int | None, Query(ge=1)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> PageOut:
        """Payments, newest first."""
        # One more than asked for tells whether there is another page.
        rows = await views.payments(order_id=order_id, status=status, after=after, limit=limit + 1)
        items = rows[:limit]
        return PageOut(
            items=[PaymentOut(**row) for row in items], next=items[-1]["position"] if len(rows) > limit else None
        )

    @routes.get("/payments/{payment_id}", tags=["payments"])
    async def payment(payment_id: UUID) -> PaymentDetailOut:
        """A payment with its refunds, what the buyer contests of it, and the means to pay while there are any."""
        row = await views.payment(payment_id)
        payable = row["status"] in OPEN and row["intent_id"] and not row["cancel_requested"]
        secret = await processor.client_secret(row["intent_id"]) if payable else None
        return PaymentDetailOut(
            **row,
            client_secret=secret,
            refunds=[RefundListedOut(**each) for each in await views.refunds(payment_id)],
            chargebacks=[chargebacks.shown(each, clock()) for each in await views.chargebacks.of(payment_id)],
            fraud_warnings=[FraudWarningOut(**each) for each in await views.chargebacks.warnings_of(payment_id)],
        )

    return routes
