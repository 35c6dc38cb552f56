"""`/clawbacks`: released money that is to come back from sellers, and how far it has."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from contracts.events.base import Party
from services.payout_scheduler.views.reads import Views

Status = Literal["open", "unknown", "short", "done"]


class ClawbackOut(BaseModel):
    """Of `net_minor`, what the seller loses, `amount_minor` is brought back and `receivable_minor` they owe.

    Of the amount `kept_minor` was never sent to them, `reversed_minor` came back from their balance at Stripe, and
    `left_minor` is missing: `open` while we are at it, `unknown` while a call gave no answer, `short` when the seller
    has too little there, tried again at `retry_at`.
    """

    clawback_id: UUID
    seller: str
    order_id: str
    allocation_id: UUID
    cause: Literal["refund", "chargeback"]
    currency: str
    net_minor: int
    amount_minor: int
    receivable_minor: int
    kept_minor: int
    reversed_minor: int
    left_minor: int
    status: Status
    reason: str | None
    retry_at: AwareDatetime | None
    heard_at: AwareDatetime
    changed_at: AwareDatetime


class ClawbacksOut(BaseModel):
    """`next` goes into `after` for the following page; null on the last one."""

    items: list[ClawbackOut]
    next: int | None


def router(views: Views) -> APIRouter:
    routes = APIRouter(prefix="/clawbacks", tags=["clawbacks"])

    @routes.get("")
    async def clawbacks(
        seller: Party | None = None,
        status: Status | None = None,
        after: Annotated[int | None, Query(ge=1)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> ClawbacksOut:
        """Clawbacks, newest first."""
        rows = await views.clawbacks(seller=seller, status=status, after=after, limit=limit + 1)
        items = [
            ClawbackOut(
                **row,
                receivable_minor=row["net_minor"] - row["amount_minor"],
                left_minor=row["amount_minor"] - row["kept_minor"] - row["reversed_minor"],
            )
            for row in rows[:limit]
        ]
        return ClawbacksOut(items=items, next=rows[limit - 1]["position"] if len(rows) > limit else None)

    return routes
