"""Closing months from a terminal and over HTTP."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner, Result

from libs.eventstore.ledger import Ledger
from libs.ledger.errors import Rejected
from libs.runtime.config import Config
from libs.runtime.problems import install_problems
from libs.settings.live import LiveSettings
from services.audit.cli import audit_app
from services.audit.service import build
from tests.integration.audit.months import OPENING_NIGHT, at, post
from tests.integration.eventstore.units import capture, hold


class Terminal:
    """Runs `holdfast audit ...` in this process, which saves a second a command."""

    async def run(self, *arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, audit_app(list), arguments)

    async def json(self, *arguments: str) -> Any:
        result = await self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def terminal(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("HOLDFAST_DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")
    return Terminal()


@pytest.fixture
async def october(owner: Ledger) -> Ledger:
    await post(owner, at("2025-10-31 23:59:59"), capture(12_345), hold(45))
    return owner


@pytest.fixture
async def client(ledger: Ledger) -> AsyncIterator[httpx.AsyncClient]:
    async with build(ledger, Config(), LiveSettings(ledger.store), lambda: OPENING_NIGHT) as service:
        app = FastAPI()
        install_problems(app)
        assert service.router
        app.include_router(service.router)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://audit") as opened:
            yield opened


async def test_a_month_is_closed_shown_checked_and_reopened(october: Ledger, terminal: Terminal) -> None:
    assert "No month was ever closed." in (await terminal.run("periods")).stdout

    closed = await terminal.json("close-month", "2025-10", "--reason", "complete", "--actor", "alice")
    assert (closed["month"], closed["status"]) == ("2025-10", "sealed")
    assert [(deed["what"], deed["actor"], deed["reason"]) for deed in closed["deeds"]] == [
        ("closed", "alice", "complete"),
        ("sealed", "alice", "complete"),
    ]
    [total] = closed["deeds"][1]["sealing"]["totals"]
    assert (total["currency"], total["debit_minor"], total["credit_minor"]) == ("USD", 12_390, 12_390)
    [month] = (await terminal.json("periods"))["periods"]
    assert month == closed
    assert "123.90 USD" in (await terminal.run("periods")).stdout

    shown = await terminal.json("period", "2025-10", "--check")
    assert shown["check"]["holds"] is True
    assert [line["closing_minor"] for line in shown["balances"]] == [-45, -12_300, 12_345]
    table = (await terminal.run("period", "2025-10")).stdout
    assert any([cell.strip() for cell in row.split("│")[1:7]][5:] == ["123.45"] for row in table.splitlines())

    refused = await terminal.run("reopen-month", "2025-10", "--reason", "a mistake")
    assert isinstance(refused.exception, Rejected)
    assert refused.exception.code == "not_confirmed"
    reopened = await terminal.json("reopen-month", "2025-10", "--reason", "a mistake", "--yes")
    assert reopened["status"] == "reopened"


async def test_the_check_fails_when_the_log_says_otherwise(october: Ledger, terminal: Terminal) -> None:
    await terminal.json("close-month", "2025-10", "--reason", "complete")
    await october.pool.execute("update ledger.books set closed_before = '-infinity'")
    await post(october, at("2025-10-30 00:00:00"), hold(7))
    result = await terminal.run("period", "2025-10", "--check")
    assert result.exit_code == 1
    assert "escrow:held USD: sealed 0.00 0.00 0.45 -0.45, its events come to 0.00 0.00 0.52 -0.52." in result.stdout


async def test_a_refusal_is_one_sentence_with_a_code(october: Ledger, database_url: str) -> None:
    order = ("audit", "close-month", "2025-12", "--reason", "complete")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", "from services.cli import main; main()", *order],
        env={"HOLDFAST_DATABASE_URL": database_url, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "close-month 2025-10 --reason ...`. (period_out_of_order)" in done.stderr.replace("\n", " ")


async def test_a_month_is_closed_over_http_once(october: Ledger, client: httpx.AsyncClient) -> None:
    order = {"actor": "alice", "reason": "complete"}
    once = {"idempotency-key": "close-october"}
    closed = await client.post("/audit/periods/2025-10/close", json=order, headers=once)
    assert (closed.status_code, closed.json()["status"]) == (200, "sealed")
    assert (await client.post("/audit/periods/2025-10/close", json=order, headers=once)).json() == closed.json()
    other = await client.post("/audit/periods/2025-10/reopen", json=order, headers=once)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")

    assert (await client.get("/audit/periods")).json() == [closed.json()]
    assert (await client.get("/audit/periods/2025-10")).json() == closed.json()
    lines = (await client.get("/audit/periods/2025-10/balances")).json()
    assert lines[0] == {
        "account": "escrow:held",
        "currency": "USD",
        "opening_minor": 0,
        "debit_minor": 0,
        "credit_minor": 45,
        "closing_minor": -45,
    }
    reopened = await client.post("/audit/periods/2025-10/reopen", json=order)
    assert (reopened.status_code, reopened.json()["status"]) == (200, "reopened")
    assert (await client.get("/audit/periods/2025-10/balances?closing=1")).json() == lines


async def test_bad_orders_over_http_are_refused(october: Ledger, client: httpx.AsyncClient) -> None:
    order = {"actor": "alice", "reason": "complete"}
    answers = {
        "bad_month": await client.post("/audit/periods/October/close", json=order),
        "period_not_ended": await client.post("/audit/periods/2026-12/close", json=order),
        "period_out_of_order": await client.post("/audit/periods/2025-11/close", json=order),
        "period_not_closed": await client.post("/audit/periods/2025-10/reopen", json=order),
        "invalid_request": await client.post("/audit/periods/2025-10/close", json=order | {"reason": ""}),
        "period_never_closed": await client.get("/audit/periods/2025-10"),
    }
    assert {name: answer.json()["code"] for name, answer in answers.items()} == {name: name for name in answers}
    assert [answer.status_code for answer in answers.values()] == [422] * 5 + [404]
    await client.post("/audit/periods/2025-10/close", json=order)
    assert (await client.get("/audit/periods/2025-10/balances?part=2")).status_code == 404
