"""Trying a refund again that failed."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel

from libs.runtime.service import Clock
from services.payment.domain.refunds import RetryRefund
from services.payment.domain.state import RefundStatus
from services.payment.handlers import Handlers
from services.payment.http.people import IdempotencyKey, key_of, meta_of


class RefundOut(BaseModel):
    """A refund at its newest attempt. `settled`: it failed, and the buyer has the money by a lost chargeback."""

    refund_id: UUID
    amount_minor: int
    status: RefundStatus
    failure_code: str | None
    attempt: int


class RefundListedOut(RefundOut):
    requested_at: AwareDatetime


def router(handlers: Handlers, clock: Clock) -> APIRouter:
    routes = APIRouter(tags=["payments"])

    @routes.post("/payments/{payment_id}/refunds/{refund_id}/retry", status_code=202)
    async def retry(payment_id: UUID, refund_id: UUID, request: Request, idempotency_key: IdempotencyKey) -> RefundOut:
        """Try a refund again that failed for good: what may still succeed is never made twice."""
        command = RetryRefund(at=clock(), payment_id=payment_id, refund_id=refund_id)
        state = await handlers.asked(command, meta_of(request), await key_of(request, idempotency_key))
        refund = state.refunds[refund_id]
        return RefundOut(
            refund_id=refund_id,
            amount_minor=refund.amount_minor,
            status=refund.status,
            failure_code=refund.code,
            attempt=refund.attempt,
        )

    return routes
