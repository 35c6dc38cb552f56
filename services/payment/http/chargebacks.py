"""`/chargebacks`, and what may be said to the bank about one of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from asyncpg import Record
from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from libs.ledger.personal import FreeText, of_order
from libs.runtime.service import Clock
from services.payment.domain.chargeback_events import EvidenceField, EvidenceText
from services.payment.domain.chargeback_state import Chargeback, ContestStatus, EvidenceStatus, Stage
from services.payment.domain.chargebacks import AcceptChargeback
from services.payment.domain.evidence import GiveEvidence
from services.payment.handlers import Handlers
from services.payment.http.people import IdempotencyKey, key_of, meta_of
from services.payment.views import Views
from services.payment.views.chargebacks import NEAR

CHARACTERS_MAX: Final = 20_000
CHARACTERS_TOTAL_MAX: Final = 150_000  # both: https://docs.stripe.com/api/disputes/update
Text = Annotated[str, StringConstraints(min_length=1, max_length=CHARACTERS_MAX)]


class ChargebackOut(BaseModel):
    """A chargeback, or the inquiry before one. Amounts in minor units; `fee_minor` is the processor's, in all.

    `needs_response`: the bank waits for an answer until `respond_by`; `deadline_near`: for three days more at most, or
    in vain. `to_cover_minor` stands after a loss: what sellers or the platform bear. `evidence_code` says why the
    processor refused the newest evidence.
    """

    chargeback_id: UUID
    payment_id: UUID
    order_id: str
    dispute_id: str
    stage: Stage
    status: ContestStatus
    currency: str
    amount_minor: int
    fee_minor: int
    to_cover_minor: int | None
    reason: str
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None
    respond_by: AwareDatetime | None
    needs_response: bool
    deadline_near: bool
    accepted: bool
    evidence_status: EvidenceStatus
    evidence_code: str | None


class ChargebacksOut(BaseModel):
    """`next` goes into `after` for the following page; null on the last one."""

    items: list[ChargebackOut]
    next: UUID | None


class EvidenceIn(BaseModel):
    """Texts by Stripe's names for them. `submit` is final: evidence can be given to the bank once."""

    model_config = ConfigDict(extra="forbid")

    texts: Annotated[dict[EvidenceField, Text], Field(min_length=1)]
    submit: bool

    @field_validator("texts")
    @classmethod
    def _fit_together(cls, texts: dict[EvidenceField, str]) -> dict[EvidenceField, str]:
        if sum(map(len, texts.values())) > CHARACTERS_TOTAL_MAX:
            raise ValueError(f"all texts together may have {CHARACTERS_TOTAL_MAX} characters")
        return texts


def router(handlers: Handlers, views: Views, clock: Clock) -> APIRouter:
    routes = APIRouter(tags=["chargebacks"])

    @routes.get("/chargebacks")
    async def chargebacks(
        status: ContestStatus | None = None,
        after: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> ChargebacksOut:
        """What buyers contest, the next deadline first."""
        rows = await views.chargebacks.by_deadline(status=status, after=after, limit=limit + 1)
        items = [shown(row, clock()) for row in rows[:limit]]
        return ChargebacksOut(items=items, next=items[-1].chargeback_id if len(rows) > limit else None)

    @routes.post("/payments/{payment_id}/chargebacks/{chargeback_id}/evidence", status_code=202)
    async def evidence(
        payment_id: UUID,
        chargeback_id: UUID,
        body: EvidenceIn,
        request: Request,
        idempotency_key: IdempotencyKey,
    ) -> ChargebackOut:
        """Answer the bank. The texts are kept sealed, and sent within moments: look at `evidence_status`."""
        order_id = (await views.payment(payment_id))["order_id"]
        texts = tuple(
            EvidenceText(field=name, text=FreeText(text, (of_order(order_id),))) for name, text in body.texts.items()
        )
        command = GiveEvidence(
            at=clock(), payment_id=payment_id, chargeback_id=chargeback_id, texts=texts, submit=body.submit
        )
        return await _asked(command, order_id, request, idempotency_key)

    @routes.post("/payments/{payment_id}/chargebacks/{chargeback_id}/accept", status_code=202)
    async def accept(
        payment_id: UUID, chargeback_id: UUID, request: Request, idempotency_key: IdempotencyKey
    ) -> ChargebackOut:
        """Let the buyer have the money. This cannot be taken back."""
        order_id = (await views.payment(payment_id))["order_id"]
        command = AcceptChargeback(at=clock(), payment_id=payment_id, chargeback_id=chargeback_id)
        return await _asked(command, order_id, request, idempotency_key)

    async def _asked(
        command: GiveEvidence | AcceptChargeback, order_id: str, request: Request, idempotency_key: str
    ) -> ChargebackOut:
        state = await handlers.asked(command, meta_of(request), await key_of(request, idempotency_key))
        names = {"payment_id": command.payment_id, "order_id": order_id, "chargeback_id": command.chargeback_id}
        return shown(names | _fields(state.chargebacks[command.chargeback_id]), clock())

    return routes


def shown(row: Mapping[str, Any] | Record, now: datetime) -> ChargebackOut:
    """A chargeback as it stands in the read model, or is put together from its stream."""
    waits = row["needs_response"] and row["respond_by"] is not None
    return ChargebackOut(**row, deadline_near=waits and row["respond_by"] <= now + NEAR)


def _fields(chargeback: Chargeback) -> dict[str, Any]:
    names = ChargebackOut.model_fields.keys() - {"payment_id", "order_id", "chargeback_id", "deadline_near"}
    return {name: getattr(chargeback, name) for name in names}
