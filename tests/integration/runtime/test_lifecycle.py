from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from contracts.events.orders import OrderCancelled
from libs.devstack.ports import free_port
from libs.devstack.postgres import Postgres, running_postgres
from libs.devstack.rabbitmq import running_rabbitmq
from libs.messaging.carrier import Carrier
from libs.messaging.local import LocalCarrier
from libs.messaging.rabbit import RabbitCarrier
from libs.messaging.route import ORDERS
from libs.runtime.config import Misconfigured
from libs.runtime.lifecycle import Running, running
from libs.runtime.metering import measure
from libs.runtime.telemetry import Telemetry
from services.migrations import migrate_all
from tests.integration.runtime.example import BINDINGS, admit, example, order

_REPOSITORY = Path(__file__).parents[3]


@asynccontextmanager
async def _example(
    url: str, announced: list[str], amqp_url: str | None = None
) -> AsyncIterator[tuple[Running, Carrier, httpx.AsyncClient]]:
    async with example(url, announced) as service:
        carrier: Carrier = LocalCarrier(service.ledger.pool, 1, bindings=BINDINGS)
        if amqp_url is not None:
            carrier = RabbitCarrier(amqp_url, bindings=BINDINGS)
        telemetry = Telemetry(CollectorRegistry())
        async with (
            running([service], carrier, telemetry, host="127.0.0.1", port=0) as at_work,
            httpx.AsyncClient(base_url=at_work.url) as client,
        ):
            yield at_work, carrier, client


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(400):
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("It did not come true within twenty seconds.")


@pytest.fixture
async def own_postgres() -> AsyncIterator[Postgres]:
    """A server that a test may stop."""
    async with running_postgres() as server:
        await migrate_all(server.url)
        await admit(server.url)
        yield server


@pytest.mark.parametrize("carried_by", ["rows", "rabbitmq"])
async def test_an_order_goes_through_handler_log_projection_relay_and_back(
    database_url: str, amqp_url: str, carried_by: str
) -> None:
    await admit(database_url)
    announced: list[str] = []
    broker = amqp_url if carried_by == "rabbitmq" else None
    async with _example(database_url, announced, broker) as (at_work, carrier, client):
        await carrier.publish([order("A1"), order("A1"), order("A2")], ORDERS)

        async def all_noted() -> bool:
            return (await client.get("/notes")).json() == 2 and sorted(announced) == ["A1", "A2"]

        await _until(all_noted)
        ready = await client.get("/readyz")
        assert (ready.status_code, set(ready.json()["checks"].values())) == (200, {"ok"})
        metrics = (await client.get("/metrics")).text
        assert 'holdfast_messages_handled_total{outcome="done",queue="example.orders"} 3.0' in metrics
    assert {state.phase for state in at_work.loops.values()} == {"stopped"}


async def test_a_reader_that_is_behind_shows_by_how_much(database_url: str) -> None:
    await admit(database_url)
    async with example(database_url, []) as service:
        telemetry = Telemetry(CollectorRegistry())
        [projector] = service.projections

        async def lag() -> float | None:
            await measure(service, telemetry)
            return telemetry.registry.get_sample_value(
                "holdfast_projection_lag_events", {"projection": "example.notes"}
            )

        await projector.catch_up()
        [orders, _] = service.routes
        for name in ("A1", "A2"):
            await orders.handlers[OrderCancelled](
                OrderCancelled(order_id=name, cancelled_by="b", reason="r"), order(name)
            )
        assert await lag() == 2
        await projector.catch_up()
        assert await lag() == 0


async def test_a_database_that_goes_away_takes_readiness_and_gives_it_back(own_postgres: Postgres) -> None:
    announced: list[str] = []
    async with _example(own_postgres.url, announced) as (_, carrier, client):
        await carrier.publish([order("before")], ORDERS)
        await own_postgres.stop("immediate")
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        await own_postgres.start()
        await carrier.publish([order("after")], ORDERS)

        async def all_announced() -> bool:
            return sorted(set(announced)) == ["after", "before"]

        async def ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await _until(all_announced)
        await _until(ready)


async def test_a_broker_that_goes_away_takes_readiness_and_gives_it_back(database_url: str) -> None:
    await admit(database_url)
    announced: list[str] = []
    async with running_rabbitmq() as broker, _example(database_url, announced, broker.url) as (_, carrier, client):
        await carrier.publish([order("before")], ORDERS)
        await broker.stop()
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).json()["checks"]["example database"] == "ok"
        assert (await client.get("/readyz")).status_code == 503
        await broker.start()

        async def ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        async def all_announced() -> bool:
            return sorted(set(announced)) == ["after", "before"]

        await _until(ready)
        await carrier.publish([order("after")], ORDERS)
        await _until(all_announced)


@asynccontextmanager
async def _process(url: str, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.runtime.serve_example", url, str(port)),
        cwd=_REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _line(process: asyncio.subprocess.Process, event: str) -> dict[str, object]:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        while text := await process.stdout.readline():
            line: dict[str, object] = json.loads(text)
            if line["event"] == event:
                return line
    raise AssertionError(f"The process ended without saying {event!r}.")


async def test_a_process_waits_for_its_database_and_says_so(own_postgres: Postgres) -> None:
    await own_postgres.stop()
    port = free_port()
    async with _process(own_postgres.url, port) as process, httpx.AsyncClient() as client:
        assert (await _line(process, "waiting"))["waiting_for"] == "example database"
        assert (await client.get(f"http://127.0.0.1:{port}/livez")).status_code == 200
        assert (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 503
        await own_postgres.start()
        await _line(process, "ready")
        assert (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_a_process_in_good_order(database_url: str, number: signal.Signals) -> None:
    await admit(database_url)
    async with _process(database_url, free_port()) as process:
        await _line(process, "ready")
        process.send_signal(number)
        await _line(process, "stopped")
        async with asyncio.timeout(5):
            assert await process.wait() == 0


async def test_a_process_that_still_waits_can_be_stopped() -> None:
    async with _process(f"postgresql://nobody@127.0.0.1:{free_port()}/none", free_port()) as process:
        await _line(process, "waiting")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            assert await process.wait() == 0


async def test_an_address_in_use_is_refused_with_what_to_set(database_url: str) -> None:
    await admit(database_url)
    async with example(database_url, []) as service:
        carrier = LocalCarrier(service.ledger.pool, 1, bindings=BINDINGS)
        async with running([service], carrier, Telemetry(CollectorRegistry()), host="127.0.0.1", port=0) as at_work:
            port = int(at_work.url.rpartition(":")[2])
            with pytest.raises(Misconfigured, match="HOLDFAST_HTTP_PORT"):
                async with running([service], carrier, Telemetry(CollectorRegistry()), host="127.0.0.1", port=port):
                    pass
