"""Run services: their projections, relays, consumers, loops and HTTP, on whatever carrier is given."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import uuid4

import structlog

from libs.messaging.carrier import Carrier
from libs.messaging.relay import Relay
from libs.runtime.health import PING_SECONDS, Ping, health_router
from libs.runtime.http import create_app
from libs.runtime.loops import Loop, LoopState, Supervisor
from libs.runtime.metering import meter
from libs.runtime.server import serving
from libs.runtime.service import Service
from libs.runtime.telemetry import Telemetry

_RETRY_SECONDS: Final = 0.25
_REPORT_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """Services at work. `url` is where they answer, `loops` how their loops do."""

    url: str
    loops: Mapping[str, LoopState]


@asynccontextmanager
async def running(
    services: Sequence[Service],
    carrier: Carrier,
    telemetry: Telemetry,
    *,
    host: str,
    port: int,
    new_correlation_id: Callable[[], str] = lambda: str(uuid4()),
) -> AsyncIterator[Running]:
    """Services at work for the length of the block, entered once all of them are ready.

    Waits for database and broker however long they take, and says so in the log. What is started last is stopped
    first: no more messages, then no more work, then no more HTTP, so that `/livez` answers from first to last.
    """
    supervisor = Supervisor(_loops(services, carrier, telemetry), on_failure=lambda name: _count(telemetry, name))
    databases = [Ping(f"{service.name} database", partial(_look, service)) for service in services]
    needs = [*databases, Ping("carrier", carrier.ready), *(ping for service in services for ping in service.pings)]
    routers = [service.router for service in services if service.router is not None]
    title = f"Holdfast {', '.join(service.name for service in services)}"
    app = create_app(title, [*routers, health_router(needs, supervisor.states)], telemetry, new_correlation_id)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(app, host, port))
        await _answered(databases)
        supervisor.start()
        stack.push_async_callback(supervisor.stop)
        stack.push_async_callback(carrier.stop)
        await carrier.start([telemetry.counted(route) for service in services for route in service.routes])
        await _answered(needs)
        log.info("ready", services=[service.name for service in services], url=url)
        yield Running(url, supervisor.states)
        log.info("stopping", services=[service.name for service in services])


async def serve(services: Sequence[Service], carrier: Carrier, telemetry: Telemetry, *, host: str, port: int) -> None:
    """Run services until SIGTERM or SIGINT, then stop them in good order. Further signals change nothing."""
    main = asyncio.current_task()
    asked = False

    def stop() -> None:
        nonlocal asked
        if not asked and main is not None:
            asked = True
            main.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        async with running(services, carrier, telemetry, host=host, port=port):
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        if not asked:
            raise
        log.info("stopped")


def _loops(services: Sequence[Service], carrier: Carrier, telemetry: Telemetry) -> list[Loop]:
    loops = [Loop("meter", partial(meter, services, telemetry))]
    for service in services:
        name = service.name
        loops.append(Loop(f"{name} feed", service.ledger.feed.listen))
        loops += [Loop(f"{name} projection {each.projection.name}", each.run) for each in service.projections]
        if service.announcer is not None:
            loops.append(Loop(f"{name} relay", Relay(service.ledger, service.announcer, carrier).run))
        loops += [Loop(f"{name} {loop.name}", loop.run) for loop in service.loops]
    return loops


def _count(telemetry: Telemetry, loop: str) -> None:
    telemetry.loop_failures.labels(loop).inc()


async def _look(service: Service) -> None:
    await service.ledger.feed.head()


async def _answered(pings: Sequence[Ping]) -> None:
    """Return when each has answered once; until then, say every few seconds what is awaited and why."""
    for ping in pings:
        reported = 0.0
        while True:
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await ping.call()
            except Exception as error:  # noqa: BLE001 - what is not up yet refuses in many ways
                if time.monotonic() - reported > _REPORT_SECONDS:
                    reported = time.monotonic()
                    log.info("waiting", waiting_for=ping.name, error=str(error) or type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                break
