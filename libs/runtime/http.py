"""The HTTP side of a process: routers in, one application out, with correlation ids, metrics and problem details."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from fastapi import APIRouter, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.runtime.problems import defect, install_problems
from libs.runtime.telemetry import Telemetry

log = structlog.get_logger(__name__)

CORRELATION_HEADER: Final = "x-correlation-id"
_PLAUSIBLE: Final = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)


def create_app(
    title: str, routers: Sequence[APIRouter], telemetry: Telemetry, new_correlation_id: Callable[[], str]
) -> FastAPI:
    """An application that serves these routers, `/metrics` and OpenAPI at `/docs`."""
    app = FastAPI(title=title, redoc_url=None)
    install_problems(app)
    app.add_middleware(Observed, telemetry=telemetry, new_correlation_id=new_correlation_id)
    for router in routers:
        app.include_router(router)

    @app.get("/metrics", tags=["health"])
    async def metrics() -> Response:
        return Response(generate_latest(telemetry.registry), media_type=CONTENT_TYPE_LATEST)

    return app


class Observed:
    """Gives each request a correlation id (the caller's, if plausible), binds it to the log, counts the answers.

    Plain ASGI: Starlette's `BaseHTTPMiddleware` would run the endpoint in another context, where the binding is lost.
    """

    def __init__(self, app: ASGIApp, telemetry: Telemetry, new_correlation_id: Callable[[], str]) -> None:
        self._app = app
        self._telemetry = telemetry
        self._new_correlation_id = new_correlation_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(CORRELATION_HEADER, "")
        correlation_id = given if _PLAUSIBLE.fullmatch(given) else self._new_correlation_id()
        scope.setdefault("state", {})["correlation_id"] = correlation_id

        started = False

        async def observed_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)[CORRELATION_HEADER] = correlation_id
                # The route's template, not the path: a path holds ids, and every id would be a metric of its own.
                route = getattr(scope.get("route"), "path", "(none)")
                self._telemetry.requests.labels(scope["method"], route, message["status"]).inc()
            await send(message)

        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            try:
                await self._app(scope, receive, observed_send)
            except Exception:
                # Not left to Starlette, whose last resort stands outside of us: no id in the answer, none in the log.
                log.exception("a request met a defect", method=scope["method"], path=scope["path"])
                if not started:
                    await defect()(scope, receive, observed_send)
