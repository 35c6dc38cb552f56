"""The twin as a process of its own, as docker-compose and the multi-process tests run it."""

import asyncio
import dataclasses
import inspect
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from libs.devstack.stripe_twin import TwinClient, TwinConfig, command
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
        "--requests-per-second", "0", "--settlement-seconds", "0", "--fee-basis-points", "0", "--fee-fixed-minor", "0",
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


async def _ran(*arguments: str, until: bytes = b"", signals: int | None = None) -> tuple[int | None, str, str]:
    """Run a command to its end, or until it has printed that and then by that signal."""
    process = await asyncio.create_subprocess_exec(
        *arguments,
        env={name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_STRIPE")},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said = b""
    async with asyncio.timeout(30):
        if signals is not None:
            assert process.stdout
            said = await process.stdout.readuntil(until)
            process.send_signal(signals)
        more, complaint = await process.communicate()
    return process.returncode, (said + more).decode(), complaint.decode()


async def test_holdfast_starts_a_twin_that_tells_how_to_use_it_and_ends_in_order_on_ctrl_c() -> None:
    code, said, complaint = await _ran(
        str(Path(sys.executable).parent / "holdfast"), "devstack", "stripe", "--port", "0", "--webhook", "http://127.0.0.1:9/hook",
        until=b"HOLDFAST_STRIPE_API_BASE", signals=signal.SIGINT,
    )  # fmt: skip
    assert (code, complaint) == (0, "")
    assert re.search(r"page +http://127\.0\.0\.1:\d+/\n", said)
    assert "http://127.0.0.1:9/hook, signed with whsec_twin" in said
    assert re.search(r'StripeClient\("sk_test_twin", base_addresses=\{"api": "http://127\.0\.0\.1:\d+"\}\)', said)
    assert said.endswith("what it knew is gone.\n")


async def test_a_port_that_is_taken_is_told_in_a_sentence(hook: Hook) -> None:
    code, _, complaint = await _ran(sys.executable, "-m", "libs.devstack.stripe_twin", "--port", str(hook.port))
    assert code == 1
    assert complaint.startswith(f"The twin cannot listen at 127.0.0.1:{hook.port}")
    assert complaint.count("\n") == 1


def test_the_command_can_set_all_that_a_twin_can_be_told() -> None:
    """Whoever adds a field to TwinConfig gives it an option, or a reason here."""
    options = set(inspect.signature(command.run).parameters)
    fields = {field.name for field in dataclasses.fields(TwinConfig)}
    assert fields - options == {"card_fee", "webhooks", "chaos", "lock_wait_seconds"}  # told in parts; nobody needs to
    parts = {"fee_basis_points", "fee_fixed_minor", "chaos_share", "chaos_seed", "extra_copies"}
    assert parts < options


@pytest.mark.parametrize("refused", [("--settlement-seconds", "-1"), ("--chaos-share", "2"), ("--port", "70000")])
def test_what_cannot_be_is_refused_at_the_start(refused: tuple[str, str]) -> None:
    outcome = CliRunner().invoke(command.app, list(refused))
    assert outcome.exit_code == 2
    assert refused[0] in outcome.output
