"""The proofs over HTTP."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query

from libs.eventstore.ledger import Ledger
from services.audit.proofs.rewind import rewind, unroll
from services.audit.proofs.verify import verify
from services.audit.reports.moments import asked, position_of
from services.audit.reports.plain import plain

Position = Annotated[int | None, Query(ge=0, description="As the log stood at this position.")]
Recorded = Annotated[str | None, Query(description="As was recorded by this time: 2026-11-30T12:00:00Z.")]
Accounts = Annotated[str, Query(description="Only these accounts: `seller:*:available`.")]


def router(ledger: Ledger) -> APIRouter:
    routes = APIRouter()
    one_at_a_time = asyncio.Lock()  # a proof reads the whole book; a second one would only slow both

    @routes.get("/verify")
    async def verification() -> dict[str, Any]:
        """Recompute the whole chain and every balance. Long books are better verified with `holdfast audit verify`."""
        async with one_at_a_time:
            return (await verify(ledger)).json()

    @routes.get("/replay")
    async def replayed(position: Position = None, as_of: Recorded = None, account: Accounts = "*") -> dict[str, Any]:
        """Every balance from the events; those of now beside the live ones. Read models are compared by the command."""
        moment = asked(position, as_of)
        through = None if moment.now else await position_of(ledger, moment.recorded)
        async with one_at_a_time:
            found = await rewind(ledger, through, account)
        return _report(found.json())

    @routes.get("/replay/{stream}")
    async def one_stream(stream: str, position: Position = None, as_of: Recorded = None) -> dict[str, Any]:
        """One stream: its events in order, and what they post together."""
        through = await position_of(ledger, asked(position, as_of).recorded)
        return _report((await unroll(ledger, stream, through)).json())

    return routes


def _report(found: dict[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in found.items()}
