"""An HTTP server inside this process, among loops and consumers that share its event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from libs.runtime.config import Misconfigured

_BACKLOG = 2048
_GRACE_SECONDS = 10
_POLL_SECONDS = 0.01


class _Server(uvicorn.Server):
    """Leaves signals to the lifecycle, which stops more than this server."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp, host: str, port: int) -> AsyncIterator[str]:
    """Serve an application and give its URL; port 0 takes a free one. Requests in flight are finished at the end."""
    with _listen(host, port) as listener:
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]), name="http")
        try:
            while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has a flag and no event
                await asyncio.sleep(_POLL_SECONDS)
            if task.done():
                await task
            yield f"http://{host}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await asyncio.gather(task, return_exceptions=True)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # asyncio turns Nagle's algorithm off only where a socket says that it is TCP, which `socket.create_server` does
        # not; an answer in two writes would then wait 40 ms for the client's delayed acknowledgement of the first.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        raise Misconfigured(
            f"Cannot listen at {host}:{port} ({error.strerror}); set HOLDFAST_HTTP_HOST and HOLDFAST_HTTP_PORT "
            "to a free address of this machine."
        ) from error
    return listener
