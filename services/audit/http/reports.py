"""The reports over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from libs.eventstore.ledger import Ledger
from services.audit.reports.trial_balance import trial_balance


def router(ledger: Ledger) -> APIRouter:
    routes = APIRouter()

    @routes.get("/trial-balance")
    async def balances(position: int | None = None) -> dict[str, Any]:
        """Every account on its side; now, or recomputed as of a position of the log."""
        return (await trial_balance(ledger, position)).json()

    return routes
