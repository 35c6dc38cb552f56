"""The reports as a person, a script and another service meet them."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner, Result

from libs.eventstore.ledger import Ledger
from libs.ledger.journal import transfer
from libs.runtime.config import Config
from libs.runtime.problems import install_problems
from libs.settings.live import LiveSettings
from services.audit.cli import audit_app
from services.audit.service import build
from tests.integration.audit.posting import day, follow, post
from tests.integration.eventstore.units import capture, hold

WEI = 10**20
APP = audit_app(list)


async def run(url: str, *arguments: str) -> Result:
    """The command in a thread of its own, since it runs an event loop of its own."""
    environment = {"HOLDFAST_DATABASE_URL": url, "COLUMNS": "200"}
    return await asyncio.to_thread(lambda: CliRunner().invoke(APP, arguments, env=environment))


@pytest.fixture
async def book(owner: Ledger, ledger: Ledger) -> Ledger:
    await post(owner, capture(1_000), day(11, 1), "PaymentCaptured", correlation_id="order-1")
    await post(owner, hold(400), day(11, 2), "FundsHeld", reason="why\x1b[2J")
    await post(owner, transfer("ETH@1", WEI, debit="chain:1:escrow", credit="revenue:commission"), day(11, 3))
    await follow(ledger)
    return ledger


@pytest.fixture
async def client(ledger: Ledger) -> AsyncIterator[httpx.AsyncClient]:
    async with build(ledger, Config(), LiveSettings(ledger.store), lambda: datetime.now(UTC)) as service:
        app = FastAPI()
        install_problems(app)
        assert service.router
        app.include_router(service.router)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://audit") as opened:
            yield opened


async def test_reports_are_printed_for_people(book: Ledger, database_url: str) -> None:
    async def printed(*arguments: str) -> str:
        done = await run(database_url, *arguments)
        assert done.exit_code == 0, done.output
        assert "\x1b" not in done.stdout
        return done.stdout

    sheet = await printed("balance-sheet", "--effective", "2024-11-02")
    assert "effective by 2024-11-02T23:59:59+00:00" in " ".join(sheet.split())
    assert "ETH@1" not in sheet

    lines = (await printed("statement", "funds:unallocated")).splitlines()
    assert lines[0].startswith("Statement of funds:unallocated (liability) in USD, by recorded time")
    assert [line.split() for line in (lines[3], lines[-1])] == [
        ["opening", "balance", "0.00"],
        ["closing", "balance", "6.00", "Cr"],
    ]
    assert "10.00 Cr  order-1" in lines[4]
    assert "6.00 Cr  why\\x1b[2J" in lines[5]

    explained = await printed("explain", "funds:unallocated", "--limit", "1")
    assert "1 more events, not listed, come to 4.00 Dr." in explained
    assert "The events come to the balance exactly." in explained

    changed = await printed("diff", "1", "2")
    assert "escrow:held" in changed
    assert "stripe:platform" not in changed
    assert await printed("diff", "3") == "Nothing moved between position 3 and position 3.\n"

    [held] = (await printed("tail", "--type", "FundsHeld")).splitlines()
    assert held.endswith('FundsHeld  test  funds:unallocated 4.00 USD, escrow:held -4.00 USD  "why\\x1b[2J"')
    assert [line.split()[1] for line in (await printed("tail", "-n", "2")).splitlines()] == ["2", "3"]
    assert [line.split()[1] for line in (await printed("tail", "--since", "2")).splitlines()] == ["2", "3"]


async def test_tail_follows_until_it_is_interrupted(book: Ledger, owner: Ledger, database_url: str) -> None:
    follower = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from services.audit.cli import audit_app; audit_app(list)()"),
        *("tail", "-f", "-n", "1", "--type", "FundsHeld", "--json"),
        env={"HOLDFAST_DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert follower.stdout
    async with asyncio.timeout(30):
        assert json.loads(await follower.stdout.readline())["position"] == 2
        await post(owner, capture(1), day(11, 4), "PaymentCaptured")
        await post(owner, hold(1), day(11, 4), "FundsHeld")
        assert json.loads(await follower.stdout.readline())["position"] == 5
        follower.send_signal(signal.SIGINT)
        assert await follower.wait() == 0


async def test_reports_are_json_for_scripts(book: Ledger, database_url: str) -> None:
    async def answered(*arguments: str) -> Any:
        done = await run(database_url, *arguments, "--json")
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in done.stdout.splitlines()]

    head, *entries = await answered("statement", "chain:1:escrow")
    assert (head["opening_minor"], head["closing_minor"]) == (0, str(WEI))
    assert [entry["balance_minor"] for entry in entries] == [str(WEI)]
    assert [event["position"] for event in await answered("tail", "--account", "funds:unallocated")] == [1, 2]
    done = await run(database_url, "balance-sheet", "--json")
    assert [sheet["assets_minor"] for sheet in json.loads(done.stdout)["sheets"]] == [str(WEI), 1_000]
    done = await run(database_url, "trial-balance", "--json")
    assert json.loads(done.stdout)["totals"][0] == {
        "currency": "ETH@1",
        "debit_minor": str(WEI),
        "credit_minor": str(WEI),
    }


async def test_an_explanation_that_does_not_add_up_fails(book: Ledger, owner: Ledger, database_url: str) -> None:
    await owner.pool.execute("update audit.account_entries set amount_minor = amount_minor + 1 where position = 2")
    done = await run(database_url, "explain", "escrow:held")
    assert done.exit_code == 1
    assert "The events come to 3.99 Cr, not to 4.00 Cr." in done.stdout


async def test_reports_are_answered_over_http(book: Ledger, client: httpx.AsyncClient) -> None:
    async def got(path: str, **parameters: Any) -> Any:
        answer = await client.get(f"/audit/{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert (await got("trial-balance", effective="2024-11-01"))["totals"][0]["debit_minor"] == 1_000
    assert [sheet["currency"] for sheet in (await got("balance-sheet"))["sheets"]] == ["ETH@1", "USD"]
    first = await got("statements/funds:unallocated", limit=1)
    assert (first["opening_minor"], first["closing_minor"], first["next"], first["position"]) == (0, -600, "1.2", 3)
    second = await got("statements/funds:unallocated", limit=1, after=first["next"], position=3)
    assert [(entry["position"], entry["balance_minor"]) for entry in second["entries"]] == [(2, -600)]
    assert second["next"] is None
    november = {"by": "effective", "from": "2024-11-02", "to": "2024-11-30"}
    assert (await got("statements/funds:unallocated", **november))["opening_minor"] == -1_000
    assert (await got("explanations/funds:unallocated", limit=1))["unlisted"]["amount_minor"] == 400
    assert (await got("diff", before="1", after="2"))["changes"][0]["change_minor"] == -400
    assert [event["position"] for event in await got("events", type=["FundsHeld", "Noted"], account="escrow:held")] == [
        2
    ]
    assert (await got("events", after=2))[0]["postings"][0]["amount_minor"] == str(WEI)
    assert await got("events", after=3, wait_seconds=0.1) == []


async def test_bad_questions_are_answered_with_their_code(book: Ledger, client: httpx.AsyncClient) -> None:
    for path, status, code in (
        ("statements/pocket", 404, "unknown_account"),
        ("explanations/pocket", 404, "unknown_account"),
        ("statements/revenue:advertising", 422, "currency_needed"),
        ("statements/funds:unallocated?after=9.9&by=effective", 404, "unknown_place"),
        ("statements/funds:unallocated?after=x", 422, "bad_place"),
        ("statements/funds:unallocated?from=3&to=2", 422, "from_after_to"),
        ("diff?before=3&after=2", 422, "from_after_to"),
        ("diff?before=9", 422, "position_ahead"),
        ("balance-sheet?position=9", 422, "position_ahead"),
        ("trial-balance?as_of=never", 422, "bad_time"),
        ("trial-balance?as_of=2999-01-01", 422, "time_ahead"),
        ("trial-balance?as_of=2024-01-01&position=1", 422, "two_moments"),
        ("events?wait_seconds=1000", 422, "invalid_request"),
    ):
        answer = await client.get(f"/audit/{path}")
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
