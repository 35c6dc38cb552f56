"""The twin as a process of its own, as docker-compose and the multi-process tests run it."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator

import httpx
import pytest

from libs.devstack.stripe_twin import TwinClient
from tests.integration.stripe_twin.desk import Desk
from tests.integration.stripe_twin.hook import CONNECT_SECRET, PLATFORM_SECRET, Hook


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def alone(hook: Hook) -> AsyncIterator[TwinClient]:
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "libs.devstack.stripe_twin", "--port", str(port),
        "--webhook", f"{hook.url}/platform", "--connect-webhook", f"{hook.url}/connect",
        "--settlement-seconds", "0", "--fee-basis-points", "0", "--fee-fixed-minor", "0",
        env={
            **os.environ,
            "HOLDFAST_STRIPE_WEBHOOK_SECRET": PLATFORM_SECRET,
            "HOLDFAST_STRIPE_CONNECT_WEBHOOK_SECRET": CONNECT_SECRET,
        },
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with TwinClient(f"http://127.0.0.1:{port}") as twin:
        await _healthy(twin)
        yield twin
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        await process.wait()


async def _healthy(twin: TwinClient) -> None:
    async with asyncio.timeout(20), httpx.AsyncClient() as http:
        while True:
            try:
                assert (await http.get(f"{twin.url}/_twin/health")).json() == {"status": "ok"}
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
            else:
                return


async def test_money_moves_and_webhooks_come_from_another_process(alone: TwinClient, hook: Hook) -> None:
    async with Desk.sdk(alone.url) as api:
        account = await api.v1.accounts.create_async(
            {"type": "express", "capabilities": {"transfers": {"requested": True}}}
        )
        await alone.complete_account(account.id)
        intent = await api.v1.payment_intents.create_async({"amount": 5_000, "currency": "usd"})
        assert (await alone.confirm(intent.id))["status"] == "succeeded"
        await api.v1.transfers.create_async({"amount": 5_000, "currency": "usd", "destination": account.id})
        payout = await api.v1.payouts.create_async({"amount": 5_000, "currency": "usd"}, {"stripe_account": account.id})
        before = await alone.now()
        assert await alone.advance(3 * 86_400) >= before + 3 * 86_400
        assert (await api.v1.payouts.retrieve_async(payout.id, {}, {"stripe_account": account.id})).status == "paid"
    await alone.webhooks_idle()
    assert {"payment_intent.succeeded", "transfer.created"} <= {event.type for event in hook.platform}
    assert "payout.paid" in {event.type for event in hook.connect}
    assert hook.forged == 0
    summary = await alone.summary()
    assert summary["conserved"]
    assert summary["currencies"]["usd"]["paid_out"] == 5_000


async def test_a_webhook_without_a_secret_is_refused_at_the_start() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_STRIPE")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "libs.devstack.stripe_twin", "--webhook", "http://127.0.0.1:9/",
        env=environment, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, complaint = await process.communicate()
    assert process.returncode == 2
    assert b"HOLDFAST_STRIPE_WEBHOOK_SECRET" in complaint
