"""`/sellers`: who may be paid, what Stripe still asks of them, and what waits for that."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, HttpUrl, StringConstraints

from contracts.events.base import Party
from libs.eventstore.model import Meta
from libs.ledger.errors import Rejected, Unavailable
from libs.runtime.service import Clock
from libs.settings import registry
from libs.settings.live import LiveSettings
from services.payout_scheduler.domain.calendar import Frequency, next_slot_from
from services.payout_scheduler.domain.seller import SellerState, SellerStatus
from services.payout_scheduler.handlers.bank import Bank
from services.payout_scheduler.handlers.incoming import Handlers
from services.payout_scheduler.views.reads import Views

ACTOR: Final = "api"
ACCOUNT_WITHIN_SECONDS: Final = 3.0  # less than clients commonly wait
WAITING_SHOWN_MAX: Final = 100
_LOOK_AGAIN_SECONDS: Final = 0.1

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]{1,64}@[^@\s]{1,255}$")]


class SellerIn(BaseModel):
    """`country` is ISO 3166-1 alpha-2. `email` goes to Stripe and is kept nowhere here."""

    seller: Party
    country: Country
    email: Email | None = None


class LinkIn(BaseModel):
    """Where Stripe sends the seller afterwards, and where to for a new link when this one is used up."""

    return_url: HttpUrl
    refresh_url: HttpUrl


class LinkOut(BaseModel):
    """For one visit, within minutes."""

    url: str


class ScheduleIn(BaseModel):
    frequency: Frequency


class SellerOut(BaseModel):
    """`requirements` are what Stripe asks now, by its names. Without a `frequency` of their own, everybody's holds.

    `deauthorized`: the account is no longer connected to us; registered again, the seller gets another one.
    """

    seller: str
    country: str
    account_id: str | None
    transfers_active: bool
    payouts_enabled: bool
    requirements: list[str]
    deauthorized: bool
    frequency: Frequency | None


class WaitingOut(BaseModel):
    """Released money on its way to the seller's account: it waits for the seller, is under way, or was refused once."""

    transfer_id: UUID
    order_id: str
    currency: str
    amount_minor: int
    status: Literal["requested", "unknown", "refused"]
    reason: str | None
    changed_at: AwareDatetime


class SellerDetailOut(SellerOut):
    """`refusal` is why Stripe would not open the account; register the seller again once that is mended.

    Of what Stripe asks, `requirements` are due by `deadline`, `past_due` were due and are why it took abilities away
    (`disabled_reason`), `eventually_due` come later.
    """

    status: SellerStatus
    refusal: str | None
    past_due: list[str]
    eventually_due: list[str]
    disabled_reason: str | None
    deadline: AwareDatetime | None
    frequency_in_force: Frequency
    next_slot_at: AwareDatetime | None
    waiting: list[WaitingOut]


class SellersOut(BaseModel):
    """`next` goes into `after` for the following page; null on the last one."""

    items: list[SellerOut]
    next: str | None


def router(handlers: Handlers, views: Views, bank: Bank, settings: LiveSettings, clock: Clock) -> APIRouter:
    routes = APIRouter(prefix="/sellers", tags=["sellers"])

    @routes.get("")
    async def sellers(after: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> SellersOut:
        """Registered sellers, by name."""
        rows = await views.sellers(after=after, limit=limit + 1)  # one more tells whether there is another page
        items = [SellerOut(**row) for row in rows[:limit]]
        return SellersOut(items=items, next=items[-1].seller if len(rows) > limit else None)

    @routes.get("/{seller}")
    async def seller(seller: Party) -> SellerDetailOut:
        """A seller with what waits for them."""
        return await _detail(seller, await handlers.seller(seller))

    @routes.post("", status_code=201)
    async def register(body: SellerIn, request: Request) -> SellerDetailOut:
        """Register a seller; an account at Stripe follows by itself. The same again changes nothing, unless Stripe
        refused the account or it was disconnected: then another is asked for.
        """
        await handlers.register_seller(body.seller, body.country, _meta(request))
        if body.email is not None:
            await bank.set_email(await _account_id(handlers, body.seller), body.email)
        return await _detail(body.seller, await handlers.seller(body.seller))

    @routes.post("/{seller}/onboarding-link")
    async def link(seller: Party, body: LinkIn) -> LinkOut:
        """Where the seller gives Stripe what it asks for. Used up or too old, the link leads to `refresh_url`, which
        asks here for the next one.
        """
        account_id = await _account_id(handlers, seller)
        return LinkOut(url=await bank.onboarding_link(account_id, str(body.refresh_url), str(body.return_url)))

    @routes.put("/{seller}/schedule")
    async def schedule(seller: Party, body: ScheduleIn, request: Request) -> SellerDetailOut:
        """How often the seller is paid."""
        await handlers.change_schedule(seller, body.frequency, _meta(request))
        return await _detail(seller, await handlers.seller(seller))

    async def _detail(name: str, state: SellerState) -> SellerDetailOut:
        everybodys = settings.get(registry.PAYOUT_FREQUENCY)
        in_force: Frequency = state.frequency or everybodys
        waiting = await views.waiting_transfers(name, limit=WAITING_SHOWN_MAX)
        return SellerDetailOut(
            seller=name,
            country=state.country or "",
            account_id=state.account_id,
            transfers_active=state.readiness.transfers_active,
            payouts_enabled=state.readiness.payouts_enabled,
            requirements=list(state.readiness.requirements),
            past_due=list(state.readiness.past_due),
            eventually_due=list(state.readiness.eventually_due),
            disabled_reason=state.readiness.disabled_reason,
            deadline=state.readiness.deadline,
            deauthorized=state.deauthorized,
            frequency=state.frequency,
            status=state.status,
            refusal=state.refusal,
            frequency_in_force=in_force,
            next_slot_at=next_slot_from(in_force, clock()),
            waiting=[WaitingOut(**row) for row in waiting],
        )

    return routes


async def _account_id(handlers: Handlers, seller: str) -> str:
    """The seller's account at Stripe, which the worker makes within moments of the registration."""
    deadline = asyncio.get_running_loop().time() + ACCOUNT_WITHIN_SECONDS
    while (state := await handlers.seller(seller)).account_id is None or state.deauthorized:
        if state.deauthorized:
            raise Rejected(
                f"The account of {seller} is no longer connected; register the seller again for another one.",
                code="deauthorized",
                seller=seller,
            )
        if state.refusal:
            raise Rejected(f"Stripe does not open this account. {state.refusal}", code="account_refused", seller=seller)
        if asyncio.get_running_loop().time() > deadline:
            raise Unavailable(
                f"{seller} is registered, but Stripe has not opened the account yet; send the same request again.",
                code="account_not_open",
            )
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return state.account_id


def _meta(request: Request) -> Meta:
    return Meta(ACTOR, correlation_id=getattr(request.state, "correlation_id", None))
