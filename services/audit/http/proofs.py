"""The proofs over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter

from libs.eventstore.ledger import Ledger
from services.audit.proofs.verify import verify


def router(ledger: Ledger) -> APIRouter:
    routes = APIRouter()
    one_at_a_time = asyncio.Lock()  # a verification reads the whole book; a second one would only slow both

    @routes.get("/verify")
    async def verification() -> dict[str, Any]:
        """Recompute the whole chain and every balance. Long books are better verified with `holdfast audit verify`."""
        async with one_at_a_time:
            return (await verify(ledger)).json()

    return routes
