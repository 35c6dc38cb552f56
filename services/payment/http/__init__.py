"""The service over HTTP: `/payments`, `/chargebacks`, `/reconciliations`, `/webhooks/stripe`."""

from __future__ import annotations

from fastapi import APIRouter

from libs.runtime import notices
from libs.runtime.reconcile import http as reconciliations
from libs.runtime.reconcile.reads import Reads
from libs.runtime.service import Clock
from services.payment.domain.webhook import Notice
from services.payment.handlers import Handlers, Processor
from services.payment.http import adjustments, chargebacks, payments, refunds
from services.payment.views import Views


def router(
    handlers: Handlers,
    views: Views,
    reports: Reads,
    processor: Processor,
    read_notice: notices.Read[Notice],
    clock: Clock,
) -> APIRouter:
    routes = APIRouter()
    routes.include_router(notices.router("/webhooks/stripe", read_notice, handlers.notice))
    routes.include_router(payments.router(views, processor, clock))
    routes.include_router(refunds.router(handlers, clock))
    routes.include_router(chargebacks.router(handlers, views, clock))
    routes.include_router(adjustments.router(handlers, clock))
    routes.include_router(reconciliations.router("/reconciliations", reports))
    return routes
