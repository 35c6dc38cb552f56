"""`/webhooks/stripe-connect`: where Stripe tells of connected accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel

from services.payout_scheduler.domain.webhook import Notice
from services.payout_scheduler.handlers.incoming import Handlers

ReadNotice = Callable[[bytes, str | None], Notice | None]


class AcceptedOut(BaseModel):
    """`kept` is false for a notice that does not concern us."""

    kept: bool


def router(handlers: Handlers, read_notice: ReadNotice) -> APIRouter:
    routes = APIRouter(tags=["webhooks"])

    @routes.post("/webhooks/stripe-connect", responses={400: {"description": "The signature is wrong."}})
    async def webhook(request: Request, stripe_signature: Annotated[str | None, Header()] = None) -> AcceptedOut:
        """Answered once the notice is stored: what it tells is looked at afterwards."""
        notice = read_notice(await request.body(), stripe_signature)
        if notice is not None:
            await handlers.notice(notice)
        return AcceptedOut(kept=notice is not None)

    return routes
