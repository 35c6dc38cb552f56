"""`/audit`: proofs, reports, and what they are about. One module a subject."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter

from libs.eventstore.ledger import Ledger
from libs.transparency.keys import VerifierKey
from services.audit.handlers.periods import Periods
from services.audit.http import export, periods, proofs, records, reports, transparency
from services.audit.views.messages import Views
from services.audit.views.periods import Views as PeriodViews


def router(ledger: Ledger, views: Views, months: Periods, keys: Sequence[VerifierKey] = ()) -> APIRouter:
    routes = APIRouter(prefix="/audit", tags=["audit"])
    for part in (
        proofs.router(ledger),
        reports.router(ledger),
        export.router(ledger),
        records.router(ledger, views),
        periods.router(months, PeriodViews(ledger)),
        transparency.router(ledger, keys),
    ):
        routes.include_router(part)
    return routes
