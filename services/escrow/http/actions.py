"""What people may do to an escrow. Each takes an `Idempotency-Key`: the same request again is answered the same."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header
from fastapi import Request as HttpRequest
from pydantic import AwareDatetime, BaseModel, Field

from contracts.events.base import Amount, Party
from libs.eventstore.model import Key
from libs.runtime.service import Clock
from services.escrow.domain import events as e
from services.escrow.handlers.requests import Request, Requests

IdempotencyKey = Annotated[str, Header(min_length=1, max_length=255)]


class BecauseIn(BaseModel):
    """Who does it and why. The reason may tell of people, so it is kept sealed; `GET .../texts` shows it."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]
    actor: Annotated[str, Field(min_length=1, max_length=128)] = "api"


class PartIn(BecauseIn):
    """Without a seller, all of the order; without an amount (minor units), all that there is."""

    seller: Party | None = None
    amount_minor: Amount | None = None


class UnfreezeIn(BecauseIn):
    """`cause_id` as in the escrow's `freezes`."""

    cause_id: Annotated[str, Field(min_length=1, max_length=255)]


class ReleaseOut(BaseModel):
    """Money that became a seller's: gross = net + commission, in minor units."""

    release_id: UUID
    allocation_id: UUID
    seller: str
    gross_minor: int
    commission_minor: int
    net_minor: int
    released_at: AwareDatetime


class RefundedOut(BaseModel):
    """Money that goes back to the buyer: amount = net + commission, in minor units. What was released already waits
    until it is back from the seller.
    """

    refund_id: UUID
    allocation_id: UUID
    seller: str
    amount_minor: int
    commission_minor: int
    net_minor: int
    after_release: bool
    refunded_at: AwareDatetime


class UnfrozenOut(BaseModel):
    cause_id: str
    sellers: tuple[str, ...]
    unfrozen_at: AwareDatetime


def add(routes: APIRouter, requests: Requests, clock: Clock) -> None:
    async def asked(escrow_id: UUID, why: BecauseIn, http: HttpRequest, idempotency_key: str) -> Request:
        return Request(
            escrow_id=escrow_id,
            at=clock(),
            actor=why.actor,
            reason=why.reason,
            key=Key(f"http:{idempotency_key}", sha256(f"POST {http.url.path}\n".encode() + await http.body()).digest()),
            correlation_id=getattr(http.state, "correlation_id", None),
        )

    @routes.post("/{escrow_id}/releases", status_code=201)
    async def release(
        escrow_id: UUID, body: PartIn, http: HttpRequest, idempotency_key: IdempotencyKey
    ) -> list[ReleaseOut]:
        """Release held money to the sellers now. Of a whole order, what is disputed or frozen stays."""
        request = await asked(escrow_id, body, http, idempotency_key)
        return _releases(await requests.release(request, body.seller, body.amount_minor))

    @routes.post("/{escrow_id}/refunds", status_code=201)
    async def refund(
        escrow_id: UUID, body: PartIn, http: HttpRequest, idempotency_key: IdempotencyKey
    ) -> list[RefundedOut]:
        """Refund the buyer: what is held first, then what was released lately. Wholly or not at all."""
        request = await asked(escrow_id, body, http, idempotency_key)
        return _refunds(await requests.refund(request, body.seller, body.amount_minor))

    @routes.post("/{escrow_id}/unfreeze", status_code=201)
    async def unfreeze(
        escrow_id: UUID, body: UnfreezeIn, http: HttpRequest, idempotency_key: IdempotencyKey
    ) -> UnfrozenOut:
        """Let the money go on that an issuer's warning of fraud has frozen."""
        request = await asked(escrow_id, body, http, idempotency_key)
        events = await requests.unfreeze(request, body.cause_id)
        [lifted] = [event for event in events if isinstance(event, e.EscrowUnfrozen)]
        return UnfrozenOut(cause_id=lifted.cause_id, sellers=lifted.sellers, unfrozen_at=lifted.at)


def _releases(events: Iterable[e.EscrowEvent]) -> list[ReleaseOut]:
    return [
        ReleaseOut(
            release_id=event.release_id,
            allocation_id=event.allocation_id,
            seller=event.seller,
            gross_minor=event.gross_minor,
            commission_minor=event.commission_minor,
            net_minor=event.net_minor,
            released_at=event.at,
        )
        for event in events
        if isinstance(event, e.AllocationReleased)
    ]


def _refunds(events: Iterable[e.EscrowEvent]) -> list[RefundedOut]:
    return [
        RefundedOut(
            refund_id=event.refund_id if isinstance(event, e.AllocationRefunded) else event.cause_id,
            allocation_id=event.allocation_id,
            seller=event.seller,
            amount_minor=event.amount_minor,
            commission_minor=event.commission_minor,
            net_minor=event.net_minor,
            after_release=isinstance(event, e.ReleaseClawedBack),
            refunded_at=event.at,
        )
        for event in events
        if isinstance(event, e.AllocationRefunded | e.ReleaseClawedBack)
    ]
