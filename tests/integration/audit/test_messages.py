"""The audit keeps what was announced, each message once, and shows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import open_pool
from libs.ledger.errors import NotFound
from libs.messaging.envelope import Envelope
from libs.messaging.local import LocalCarrier
from libs.runtime.config import Config
from libs.runtime.problems import install_problems
from libs.runtime.service import Service
from libs.settings.live import LiveSettings
from services.audit.handlers.messages import Handlers
from services.audit.service import build
from services.audit.views.messages import Views
from tests.integration.eventstore.units import NOON


def envelope(n: int, subject: str = "order-1") -> Envelope:
    return Envelope(f"1-{n}", "payment.captured.v1", "/holdfast/payment", subject, NOON, {"n": n}, position=n)


@pytest.fixture
def handlers(ledger: Ledger) -> Handlers:
    times = iter(NOON + timedelta(seconds=n) for n in range(10_000))
    return Handlers(ledger.pool, lambda: next(times))


@pytest.fixture
async def service(ledger: Ledger) -> AsyncIterator[Service]:
    async with build(ledger, Config(), LiveSettings(ledger.store), lambda: datetime.now(UTC)) as built:
        yield built


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_problems(app)
    assert service.router
    app.include_router(service.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://audit") as opened:
        yield opened


async def test_a_message_is_kept_with_its_whole_envelope_and_only_once(ledger: Ledger, handlers: Handlers) -> None:
    await handlers.announced(envelope(5))
    await handlers.announced(envelope(5))
    [kept] = await Views(ledger).messages(None, None, 10)
    assert (kept.id, kept.type, kept.subject, kept.position) == ("1-5", "payment.captured.v1", "order-1", 5)
    assert kept.received_at == NOON
    assert kept.body.encode() == envelope(5).to_json()


async def test_many_at_once_are_stored_together(ledger: Ledger, handlers: Handlers) -> None:
    await asyncio.gather(*(handlers.announced(envelope(n % 1_000)) for n in range(1_200)))
    assert await ledger.pool.fetchval("select count(*) from messages") == 1_000
    assert await ledger.pool.fetchval("select count(distinct received_at) from messages") < 10


async def test_a_message_that_cannot_be_stored_takes_nobody_with_it(ledger: Ledger, handlers: Handlers) -> None:
    bad = envelope(2, "nul\0")  # the carriers refuse this; should anything like it come through, it dies alone
    outcomes = await asyncio.gather(
        *(handlers.announced(each) for each in (envelope(1), bad, envelope(3))), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), asyncpg.CharacterNotInRepertoireError, type(None)]
    assert await ledger.pool.fetchval("select count(*) from messages") == 2


async def test_messages_are_leafed_through_by_subject(ledger: Ledger, handlers: Handlers) -> None:
    for n in range(6):
        await handlers.announced(envelope(n, f"order-{n % 2}"))
    views = Views(ledger)
    assert [kept.id for kept in await views.messages("order-1", None, 2)] == ["1-1", "1-3"]
    assert [kept.id for kept in await views.messages("order-1", "1-3", 2)] == ["1-5"]
    assert [kept.id for kept in await views.messages(None, "1-3", 9)] == ["1-4", "1-5"]
    with pytest.raises(NotFound):
        await views.messages(None, "1-77", 9)


async def test_what_a_carrier_delivers_is_kept(database_url: str, service: Service, client: httpx.AsyncClient) -> None:
    async with open_pool(database_url, "messaging") as pool:
        carrier = LocalCarrier(pool, 1)
        await carrier.start(service.routes)
        try:
            await carrier.publish([envelope(n) for n in range(1, 21)], "holdfast.events")
            async with asyncio.timeout(10):
                while len((await client.get("/audit/messages")).json()) < 20:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
        finally:
            await carrier.stop()
    [last] = (await client.get("/audit/messages?subject=order-1&after=1-19")).json()
    assert (last["id"], last["envelope"]["data"], last["position"]) == ("1-20", {"n": 20}, 20)


async def test_proofs_and_events_are_answered_over_http(written: Ledger, client: httpx.AsyncClient) -> None:
    balance = (await client.get("/audit/trial-balance")).json()
    assert balance["balanced"] is True
    assert balance["totals"] == [{"currency": "USD", "debit_minor": 600, "credit_minor": 600}]
    assert (await client.get("/audit/trial-balance?position=3")).json()["totals"][0]["debit_minor"] == 300
    assert (await client.get("/audit/verify")).json()["ok"] is True

    events = (await client.get("/audit/events?after=2&limit=3")).json()
    assert [event["position"] for event in events] == [3, 4, 5]
    stream = events[0]["stream"]
    [first, second] = (await client.get("/audit/events", params={"stream": stream, "after": 2})).json()
    assert (first["position"], second["position"]) == (3, 4)
    assert first["postings"][0] == {"account": "stripe:platform", "currency": "USD", "amount_minor": 200}
    assert first["data"] == {"note": "x", "amount": 1.5}
    assert len(first["leaf"]) == 64
    assert (await client.get("/audit/events", params={"stream": stream, "after": 3})).json() == [second]


async def test_bad_questions_are_refused(written: Ledger, client: httpx.AsyncClient) -> None:
    refused = await client.get("/audit/trial-balance?position=11")
    assert (refused.status_code, refused.json()["code"]) == (422, "position_ahead")
    assert (await client.get("/audit/messages?after=nothing")).status_code == 404
    assert (await client.get("/audit/messages?limit=100000")).status_code == 422
