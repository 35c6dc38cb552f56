"""`/audit`: proofs, reports, and what they are about. One module a subject."""

from __future__ import annotations

from fastapi import APIRouter

from libs.eventstore.ledger import Ledger
from services.audit.http import proofs, records, reports
from services.audit.views.messages import Views


def router(ledger: Ledger, views: Views) -> APIRouter:
    routes = APIRouter(prefix="/audit", tags=["audit"])
    for part in (proofs.router(ledger), reports.router(ledger), records.router(views)):
        routes.include_router(part)
    return routes
