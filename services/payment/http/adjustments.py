"""`POST /reconciliations/adjustments`: a booking by hand, with a reason."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from contracts.events.base import Amount, CurrencyCode
from libs.ledger.personal import FreeText
from libs.runtime.service import Clock
from services.payment.domain.adjustment import Adjust, AdjustmentMade
from services.payment.handlers import Handlers
from services.payment.http.people import IdempotencyKey, key_of, meta_of

AccountName = Annotated[str, StringConstraints(max_length=128)]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+$", max_length=255)]


class AdjustmentIn(BaseModel):
    """Debits `account`, credits `counter_account`. `reference` is the object at Stripe that it explains, as a report
    names it (`source`); `at` is when it is effective, now unless given, never in a closed accounting period.

    The reason may tell of people, so it is kept sealed, under the name of the `actor`.
    """

    model_config = ConfigDict(extra="forbid")

    account: AccountName
    counter_account: AccountName
    currency: CurrencyCode
    amount_minor: Amount
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    reference: Reference | None = None
    at: AwareDatetime | None = None
    actor: Annotated[str, Field(min_length=1, max_length=128)] = "api"


class AdjustmentOut(BaseModel):
    adjustment_id: UUID
    account: str
    counter_account: str
    currency: str
    amount_minor: int
    reason: str
    reference: str | None
    at: AwareDatetime


def router(handlers: Handlers, clock: Clock) -> APIRouter:
    routes = APIRouter(tags=["reconciliations"])

    @routes.post("/reconciliations/adjustments", status_code=201)
    async def adjust(body: AdjustmentIn, request: Request, idempotency_key: IdempotencyKey) -> AdjustmentOut:
        """Book by hand what reconciliation found, between accounts of stripe:, expense: and revenue: alone."""
        command = Adjust(
            account=body.account,
            counter_account=body.counter_account,
            currency=body.currency,
            amount_minor=body.amount_minor,
            reason=FreeText(body.reason, (body.actor,)),
            reference=body.reference,
            at=body.at or clock(),
        )
        key = await key_of(request, idempotency_key)
        adjustment_id, made = await handlers.adjust(command, meta_of(request), key)
        return _shown(adjustment_id, made)

    return routes


def _shown(adjustment_id: UUID, made: AdjustmentMade) -> AdjustmentOut:
    return AdjustmentOut(
        adjustment_id=adjustment_id,
        account=made.account,
        counter_account=made.counter_account,
        currency=made.currency,
        amount_minor=made.amount_minor,
        reason=made.reason.shown,
        reference=made.reference,
        at=made.at,
    )
