"""Serving a twin: inside this process, or as a process of its own."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from libs.devstack.stripe_twin.app import StripeTwinApp
from libs.devstack.stripe_twin.client import TwinClient
from libs.devstack.stripe_twin.config import TwinConfig
from libs.devstack.stripe_twin.passing import catch_up
from libs.devstack.stripe_twin.webhooks import Courier
from libs.devstack.stripe_twin.world import World

_TICK_SECONDS = 0.25


class Twin(TwinClient):
    """A twin served by this process: its controls, and its insides for tests that look closer."""

    def __init__(self, url: str, world: World, courier: Courier) -> None:
        super().__init__(url)
        self.world = world
        self.courier = courier


class QuietServer(uvicorn.Server):
    """A server among others in one process: signals are not its business, and it ends at once when told to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    def stop(self) -> None:
        # whoever is still connected when a twin ends is a test that has ended, too
        self.should_exit = self.force_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        await self._told.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def running_twin(config: TwinConfig | None = None, *, port: int = 0) -> AsyncIterator[Twin]:
    """Serve a twin on 127.0.0.1 (a free port unless one is given) until the block ends."""
    config = config or TwinConfig()
    world = World(config)
    with listening(port) as listener:
        async with Courier(config.webhooks) as courier:
            server = QuietServer(_uvicorn_config(StripeTwinApp(world, courier)))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            ticking = asyncio.create_task(keep_time(world))
            try:
                await _started(server, serving)
                async with Twin(f"http://127.0.0.1:{listener.getsockname()[1]}", world, courier) as twin:
                    yield twin
            finally:
                ticking.cancel()
                server.stop()
                await asyncio.gather(serving, ticking, return_exceptions=True)


@contextmanager
def listening(port: int = 0, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    """A socket to serve at, on a free port unless one is given."""
    # asyncio turns Nagle's algorithm off only where a socket says that it is TCP, which `socket.create_server` does
    # not; an answer in two writes then waits 40 ms for the client's delayed acknowledgement of the first
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        yield listener


async def serve(config: TwinConfig, listener: socket.socket) -> None:
    """Serve a twin until a signal ends this process."""
    world = World(config)
    async with Courier(config.webhooks) as courier:
        ticking = asyncio.create_task(keep_time(world))
        try:
            await uvicorn.Server(_uvicorn_config(StripeTwinApp(world, courier))).serve(sockets=[listener])
        finally:
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticking


async def keep_time(world: World) -> None:
    """Let what is due happen even when nobody calls."""
    while world.config.ticking:
        await asyncio.sleep(_TICK_SECONDS)
        catch_up(world)


async def _started(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    while not server.started:
        if serving.done():
            serving.result()
            raise RuntimeError("The Stripe twin's server ended before it began to serve.")
        await asyncio.sleep(0.005)


def _uvicorn_config(app: StripeTwinApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        access_log=False,
        log_level="warning",
        log_config=None,
        ws="none",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
