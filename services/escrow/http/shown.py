"""What is shown of escrows."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from contracts.events.base import OrderId, Party
from services.escrow.domain.events import Cause, FreezeCause, Status
from services.escrow.domain.facts import Outcome
from services.escrow.domain.state import ShareStatus
from services.escrow.views.reads import Shown, Texts, Views


class AllocationOut(BaseModel):
    """A seller's part, in minor units. gross = net + commission, by the frozen terms; and at any time
    gross = held + released + refunded. `clawed_back_minor` of what was released went back again.

    `release_at` stands while its inspection time runs, `settled_at` once nothing of it is held.
    """

    allocation_id: UUID
    seller: str
    status: ShareStatus
    frozen: bool
    gross_minor: int
    commission_minor: int
    net_minor: int
    held_minor: int
    released_minor: int
    refunded_minor: int
    clawed_back_minor: int
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


class RefundOut(BaseModel):
    """Money for the buyer; without a `seller`, all that was held when the order was cancelled.

    `waiting` until the seller's transfer is reversed, then `payable`: `GET /payments/{id}` tells when it is paid.
    `charged_back`: the buyer's bank had taken it before (`charged_back_minor` of it).
    """

    refund_id: UUID
    seller: str | None
    amount_minor: int
    charged_back_minor: int
    after_release: bool
    status: Literal["waiting", "payable", "charged_back"]
    asked_at: AwareDatetime
    payable_at: AwareDatetime | None


class ClawbackOut(BaseModel):
    """Released money that was taken back. amount = commission + balance + receivable; `balance_minor` is brought back
    from the seller's account at the processor (`reversed_minor`; `short_minor` is still to come), `receivable_minor`
    the seller owes.
    """

    clawback_id: UUID
    seller: str
    cause: Cause
    cause_id: UUID
    amount_minor: int
    commission_minor: int
    balance_minor: int
    receivable_minor: int
    reversed_minor: int | None
    short_minor: int | None
    clawed_back_at: AwareDatetime
    settled_at: AwareDatetime | None


class FreezeOut(BaseModel):
    """What held these sellers' allocations still, and does until `unfrozen_at`."""

    cause: FreezeCause
    cause_id: str
    sellers: list[str]
    frozen_at: AwareDatetime
    unfrozen_at: AwareDatetime | None
    outcome: Outcome | Literal["cleared"] | None


class EscrowDetailOut(EscrowOut):
    """An escrow with all that went back and why."""

    refunds: list[RefundOut]
    clawbacks: list[ClawbackOut]
    freezes: list[FreezeOut]


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


def add(routes: APIRouter, views: Views, texts: Texts) -> None:
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
    async def escrow(escrow_id: UUID) -> EscrowDetailOut:
        """One escrow with its allocations, refunds, claw-backs and freezes."""
        plain, history = _out(await views.escrow(escrow_id)), await views.history(escrow_id)
        return EscrowDetailOut(
            **dict(plain),
            refunds=[RefundOut(**row, status=_refund_status(row)) for row in map(dict, history.refunds)],
            clawbacks=[ClawbackOut(**row) for row in history.clawbacks],
            freezes=[FreezeOut(**row) for row in history.freezes],
        )

    @routes.get("/{escrow_id}/texts")
    async def what_people_typed(escrow_id: UUID) -> list[TextOut]:
        """What people typed about it: reasons of disputes, refunds and the like, proofs of delivery, in their order."""
        return [TextOut(**said._asdict()) for said in await texts.of(escrow_id)]


def _out(shown: Shown) -> EscrowOut:
    allocations = [
        AllocationOut(**row, net_minor=row["gross_minor"] - row["commission_minor"]) for row in shown.allocations
    ]
    return EscrowOut(**shown.escrow, allocations=allocations)


def _refund_status(row: dict[str, object]) -> Literal["waiting", "payable", "charged_back"]:
    if row["charged_back_minor"] == row["amount_minor"]:
        return "charged_back"
    return "waiting" if row["payable_at"] is None else "payable"
