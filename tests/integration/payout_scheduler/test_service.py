"""The service as it runs: built from its configuration, its loops turning by themselves, fed by a carrier."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from prometheus_client import CollectorRegistry

from libs.devstack.stripe_twin import Endpoint, Twin
from libs.eventstore.ledger import open_ledger
from libs.messaging.envelope import from_json
from libs.messaging.local import LocalCarrier
from libs.runtime.config import Config, Misconfigured
from libs.runtime.lifecycle import running
from libs.runtime.service import Service
from libs.runtime.telemetry import Telemetry
from libs.settings.live import LiveSettings
from services.payout_scheduler.gateway import NOTICE_TYPES
from services.payout_scheduler.service import build
from tests.integration.payout_scheduler.desk import KEY, MONDAY, SECRET, Desk, now


@asynccontextmanager
async def _at_work(database_url: str, twin: Twin) -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
    config = Config.model_validate(
        {"stripe_api_key": KEY, "stripe_connect_webhook_secret": SECRET, "stripe_api_base": twin.url}
    )
    async with open_ledger(database_url, "payout_scheduler") as ledger:
        settings = await LiveSettings.open(ledger)
        carrier = LocalCarrier(ledger.pool, 1)
        telemetry = Telemetry(CollectorRegistry())
        async with (
            build(ledger, config, settings, now) as service,
            running([service], carrier, telemetry, host="127.0.0.1", port=0) as at_work,
            httpx.AsyncClient(base_url=at_work.url) as client,
        ):
            connect = Endpoint(f"{at_work.url}/webhooks/stripe-connect", SECRET, tuple(NOTICE_TYPES))
            await twin.set_webhooks(connect=connect)
            yield service, client


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(400):
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("It did not come true within twenty seconds.")


async def test_it_works_by_itself_and_tells_the_others(desk: Desk, database_url: str, twin: Twin) -> None:
    async def announced() -> list[str]:
        rows = await desk.owner.pool.fetch("select body from messaging.messages where queue = 'audit.all' order by id")
        return [from_json(row["body"]).type for row in rows]

    async def has(message_type: str) -> bool:
        return message_type in await announced()

    async with _at_work(database_url, twin) as (service, client):
        seller = {"seller": "anna", "country": "US", "email": "anna@example.com"}
        registered = await client.post("/sellers", json=seller)
        assert registered.status_code == httpx.codes.CREATED, registered.text
        account_id = registered.json()["account_id"]
        await twin.complete_account(account_id)
        await desk.announce_release("A-1", "anna", 10_000)
        await _until(lambda: has("transfer.settled.v1"))

        [job] = [job for job in service.jobs if job.name == "payouts-due"]
        summary = await job.run(MONDAY, lambda _line: None)
        assert (summary["done"], summary["left"]) == (1, 0)
        await twin.advance(3 * 86_400)
        await _until(lambda: has("payout.paid.v1"))

    assert await announced() == [
        "transfer.settled.v1",
        "payout.scheduled.v1",
        "payout.submitted.v1",
        "payout.paid.v1",
    ]
    assert [account.email for account in twin.world.accounts] == ["anna@example.com"]
    assert (await desk.wallet())["withdrawn"] == 9_000


async def test_without_a_secret_it_says_which_variable_to_set(database_url: str) -> None:
    async with open_ledger(database_url, "payout_scheduler") as ledger:
        settings = await LiveSettings.open(ledger)
        config = Config.model_validate({"stripe_api_key": KEY})
        with pytest.raises(Misconfigured, match="HOLDFAST_STRIPE_CONNECT_WEBHOOK_SECRET"):
            async with build(ledger, config, settings, now):
                pass
