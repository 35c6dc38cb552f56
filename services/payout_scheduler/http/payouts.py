"""`/payouts`: what went to the sellers' banks, and asking for more."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from pydantic import AwareDatetime, BaseModel

from contracts.events.base import Amount, CurrencyCode, Party
from libs.eventstore.model import Key, Meta
from libs.eventstore.store import Store
from libs.ledger.errors import Rejected
from libs.ledger.money import currency as known_currency
from libs.runtime.service import Clock
from services.payout_scheduler.domain.payout import needs_person
from services.payout_scheduler.handlers.incoming import Handlers
from services.payout_scheduler.handlers.payer import Payer
from services.payout_scheduler.http.sellers import ACTOR
from services.payout_scheduler.http.wallets import available
from services.payout_scheduler.views.reads import Views

Status = Literal["scheduled", "unknown", "submitted", "paid", "failed", "returned"]


class PayoutIn(BaseModel):
    """Without a currency the only one that the seller has money in; without an amount all that can be paid now."""

    seller: Party
    currency: CurrencyCode | None = None
    amount_minor: Amount | None = None


class PayoutOut(BaseModel):
    """A payout at its newest attempt. Amounts in minor units; `code` and `reason` are Stripe's.

    `waits_for_bank`: it failed for the bank account, and is tried again once Stripe has another one from the seller.
    `needs_person`: without somebody's doing nothing more happens: that, or the tries are used up, or the bank sent it
    back. The money is available to the seller again.
    """

    payout_id: UUID
    seller: str
    account_id: str
    currency: str
    amount_minor: int
    slot: str
    attempt: int
    status: Status
    stripe_payout: str | None
    code: str | None
    reason: str | None
    retry_at: AwareDatetime | None
    waits_for_bank: bool
    needs_person: bool
    started_at: AwareDatetime
    changed_at: AwareDatetime


class PayoutsOut(BaseModel):
    """`next` goes into `after` for the following page; null on the last one."""

    items: list[PayoutOut]
    next: int | None


def router(handlers: Handlers, views: Views, payer: Payer, store: Store, clock: Clock) -> APIRouter:
    routes = APIRouter(prefix="/payouts", tags=["payouts"])

    @routes.get("")
    async def payouts(
        seller: Party | None = None,
        status: Status | None = None,
        after: Annotated[int | None, Query(ge=1)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> PayoutsOut:
        """Payouts, newest first."""
        rows = await views.payouts(seller=seller, status=status, after=after, limit=limit + 1)
        items = [PayoutOut(**row, needs_person=needs_person(row["status"], row["retry_at"])) for row in rows[:limit]]
        return PayoutsOut(items=items, next=rows[limit - 1]["position"] if len(rows) > limit else None)

    @routes.get("/{payout_id}")
    async def payout(payout_id: UUID) -> PayoutOut:
        """One payout, as its stream has it at this moment."""
        return await _shown(payout_id)

    @routes.post("", status_code=201)
    async def pay(
        body: PayoutIn, request: Request, idempotency_key: Annotated[str, Header(min_length=1, max_length=255)]
    ) -> PayoutOut:
        """Pay a seller now. The same key again is the same payout."""
        seller = await handlers.seller(body.seller)
        currency = body.currency or await _only_currency(body.seller)
        fingerprint = sha256(b"POST /payouts\n" + await request.body()).digest()
        meta = Meta(ACTOR, "asked for", correlation_id=getattr(request.state, "correlation_id", None))
        key = Key(f"http:{idempotency_key}", fingerprint)
        claim = await payer.pay_on_demand(seller, known_currency(currency).code, body.amount_minor, key, meta, clock())
        return await _shown(claim.payout_id)

    async def _only_currency(seller: str) -> str:
        found = [currency for currency, amount_minor in (await available(store, seller)).items() if amount_minor]
        if len(found) != 1:
            raise Rejected(
                f"{seller} has money in {', '.join(found) or 'no currency'}; say in which to pay.",
                code="currency_needed",
                currencies=found,
            )
        return found[0]

    async def _shown(payout_id: UUID) -> PayoutOut:
        state, claim = await handlers.payout(payout_id)
        return PayoutOut(
            payout_id=payout_id,
            seller=claim.seller,
            account_id=claim.account_id,
            currency=claim.currency,
            amount_minor=claim.amount_minor,
            slot=claim.slot,
            attempt=claim.attempt,
            status=state.status,
            stripe_payout=state.stripe_payout,
            code=state.code,
            reason=state.reason,
            retry_at=state.retry_at,
            waits_for_bank=state.waits_for_bank,
            needs_person=needs_person(state.status, state.retry_at),
            started_at=state.started_at,
            changed_at=state.changed_at,
        )

    return routes
