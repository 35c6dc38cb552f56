"""`/escrows`: what is held, for whom, until when."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from contracts.events.base import OrderId, Party
from services.escrow.domain.events import Status
from services.escrow.domain.state import ShareStatus
from services.escrow.views import Shown, Texts, Views


class AllocationOut(BaseModel):
    """A seller's part; gross = net + commission, in minor units. `release_at` stands while its inspection time runs."""

    allocation_id: UUID
    seller: str
    status: ShareStatus
    gross_minor: int
    commission_minor: int
    net_minor: int
    release_at: AwareDatetime | None
    settled_at: AwareDatetime | None


class EscrowOut(BaseModel):
    """The money of one order. `status` follows from the allocations'."""

    escrow_id: UUID
    payment_id: UUID
    order_id: str
    currency: str
    amount_minor: int
    status: Status
    held_at: AwareDatetime
    deliver_by: AwareDatetime
    hold_until_max: AwareDatetime
    allocations: list[AllocationOut]


class TextOut(BaseModel):
    """What somebody typed. `text` is in brackets, `[forgotten]`, where it was erased."""

    at: AwareDatetime
    event: str
    field: str
    by: str
    text: str


class PageOut(BaseModel):
    """`next` goes into `after` for the following page; null on the last one."""

    items: list[EscrowOut]
    next: int | None


def router(views: Views, texts: Texts) -> APIRouter:
    routes = APIRouter(prefix="/escrows", tags=["escrows"])

    @routes.get("")
    async def escrows(
        order_id: OrderId | None = None,
        status: Status | None = None,
        seller: Party | None = None,
        after: Annotated[int | None, Query(ge=1)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> PageOut:
        """Escrows, newest first."""
        # One more than asked for tells whether there is another page.
        found = await views.escrows(order_id=order_id, status=status, seller=seller, after=after, limit=limit + 1)
        items = found[:limit]
        following = items[-1].escrow["position"] if len(found) > limit else None
        return PageOut(items=[_out(shown) for shown in items], next=following)

    @routes.get("/{escrow_id}")
    async def escrow(escrow_id: UUID) -> EscrowOut:
        """One escrow with its allocations."""
        return _out(await views.escrow(escrow_id))

    @routes.get("/{escrow_id}/texts")
    async def what_people_typed(escrow_id: UUID) -> list[TextOut]:
        """What people typed about it: reasons of disputes and cancellations, proofs of delivery, in their order."""
        return [TextOut(**said._asdict()) for said in await texts.of(escrow_id)]

    return routes


def _out(shown: Shown) -> EscrowOut:
    allocations = [
        AllocationOut(**row, net_minor=row["gross_minor"] - row["commission_minor"]) for row in shown.allocations
    ]
    return EscrowOut(**shown.escrow, allocations=allocations)
