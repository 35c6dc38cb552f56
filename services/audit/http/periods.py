"""Accounting periods over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, Field

from libs.eventstore.model import Key, Meta
from services.audit.domain.sheet import Line
from services.audit.handlers.periods import Periods
from services.audit.views.periods import Month, Views

IdempotencyKey = Annotated[str | None, Header(max_length=255)]

Number = Annotated[int, Query(ge=1)]


class Order(BaseModel):
    """Who orders it, and why."""

    actor: Annotated[str, Field(min_length=1, max_length=128)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


def router(handlers: Periods, views: Views) -> APIRouter:
    routes = APIRouter(prefix="/periods")

    @routes.get("")
    async def periods() -> Sequence[Month]:
        """Every month that was ever closed: how it stands, by whom, when and why, and its sealed totals."""
        return await views.all()

    @routes.get("/{month}")
    async def period(month: str) -> Month:
        """One of them."""
        return await views.one(month)

    @routes.get("/{month}/balances")
    async def balances(month: str, part: Number = 1, closing: Number | None = None) -> Sequence[Line]:
        """The balances sealed at its last closing or an earlier one, in as many parts as the sealing says.

        Minor units, balances debit positive.
        """
        return await views.part((await views.one(month)).sealed(closing), part)

    @routes.post("/{month}/close")
    async def close(month: str, order: Order, request: Request, idempotency_key: IdempotencyKey = None) -> Month:
        """Close a month and seal its balances. It reads the whole log: `holdfast audit close-month` shows how far."""
        await handlers.close(month, _meta(order, request), await _key(idempotency_key, request))
        return await views.one(month)

    @routes.post("/{month}/reopen")
    async def reopen(month: str, order: Order, request: Request, idempotency_key: IdempotencyKey = None) -> Month:
        """Reopen the month that was closed last; what was sealed stays in the log."""
        await handlers.reopen(month, _meta(order, request), await _key(idempotency_key, request))
        return await views.one(month)

    return routes


def _meta(order: Order, request: Request) -> Meta:
    return Meta(order.actor, order.reason, getattr(request.state, "correlation_id", None))


async def _key(idempotency_key: str | None, request: Request) -> Key | None:
    if idempotency_key is None:
        return None
    asked = f"{request.method} {request.url.path}\n".encode()
    return Key(f"http:{idempotency_key}", sha256(asked + await request.body()).digest())
