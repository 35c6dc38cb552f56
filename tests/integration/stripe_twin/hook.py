"""A real HTTP server that receives webhooks, verifies them with the SDK, and can be told to fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import stripe
import uvicorn

from libs.devstack.stripe_twin.server import QuietServer, listening

PLATFORM_SECRET = "whsec_platform"  # noqa: S105  a test's own
CONNECT_SECRET = "whsec_connect"  # noqa: S105  a test's own


@dataclass
class Hook:
    port: int
    events: dict[str, list[stripe.Event]] = field(default_factory=lambda: {"/platform": [], "/connect": []})
    forged: int = 0
    fail_next: int = 0
    busy: int = 0
    busiest: int = 0
    hold_seconds: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def platform(self) -> list[stripe.Event]:
        return self.events["/platform"]

    @property
    def connect(self) -> list[stripe.Event]:
        return self.events["/connect"]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        await asyncio.sleep(self.hold_seconds)
        self.busy -= 1
        status = self._take(scope["path"], body, dict(scope["headers"]))
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    def _take(self, path: str, body: bytes, headers: dict[bytes, bytes]) -> int:
        if self.fail_next:
            self.fail_next -= 1
            return 500
        secret = PLATFORM_SECRET if path == "/platform" else CONNECT_SECRET
        try:
            event = stripe.Webhook.construct_event(body, headers[b"stripe-signature"].decode(), secret)
        except stripe.SignatureVerificationError:
            self.forged += 1
            return 400
        self.events[path].append(event)
        return 200


@asynccontextmanager
async def running_hook() -> AsyncIterator[Hook]:
    with listening() as listener:
        hook = Hook(listener.getsockname()[1])
        server = QuietServer(uvicorn.Config(hook, lifespan="off", log_level="warning", log_config=None, ws="none"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.005)
        yield hook
        server.stop()
        await serving
