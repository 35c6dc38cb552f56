"""`/escrows`: what is held, for whom, until when; and releasing, refunding and unfreezing it by hand."""

from __future__ import annotations

from fastapi import APIRouter

from libs.runtime.service import Clock
from services.escrow.handlers.requests import Requests
from services.escrow.http import actions, shown
from services.escrow.views.reads import Texts, Views


def router(views: Views, texts: Texts, requests: Requests, clock: Clock) -> APIRouter:
    routes = APIRouter(prefix="/escrows", tags=["escrows"])
    shown.add(routes, views, texts)
    actions.add(routes, requests, clock)
    return routes
