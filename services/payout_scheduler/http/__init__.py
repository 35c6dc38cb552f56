"""The service over HTTP: `/sellers`, `/clawbacks`, `/payouts`, `/wallets`, `/connect/reconciliations`, and
`/webhooks/stripe-connect`.
"""

from __future__ import annotations

from fastapi import APIRouter

from libs.eventstore.store import Store
from libs.runtime import notices
from libs.runtime.reconcile import http as reconciliations
from libs.runtime.reconcile.reads import Reads
from libs.runtime.service import Clock
from libs.settings.live import LiveSettings
from services.payout_scheduler.domain.webhook import Notice
from services.payout_scheduler.handlers.bank import Bank
from services.payout_scheduler.handlers.incoming import Handlers
from services.payout_scheduler.handlers.payer import Payer
from services.payout_scheduler.http import clawbacks, payouts, sellers, wallets
from services.payout_scheduler.views.reads import Views


def router(
    handlers: Handlers,
    views: Views,
    reports: Reads,
    payer: Payer,
    bank: Bank,
    read_notice: notices.Read[Notice],
    store: Store,
    settings: LiveSettings,
    clock: Clock,
) -> APIRouter:
    routes = APIRouter()
    routes.include_router(sellers.router(handlers, views, bank, settings, clock))
    routes.include_router(clawbacks.router(views))
    routes.include_router(payouts.router(handlers, views, payer, store, clock))
    routes.include_router(wallets.router(views, store))
    routes.include_router(notices.router("/webhooks/stripe-connect", read_notice, handlers.notice))
    routes.include_router(reconciliations.router("/connect/reconciliations", reports))
    return routes
