"""The commands as a script and a person meet them: output, exit code, progress out of the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from libs.eventstore.ledger import Ledger
from tests.integration.audit.forgery import forge, mend_chain

PROGRAM = """
from services.audit.cli import audit_app
from tests.integration.eventstore.applying import projection

async def apply(connection, events):
    await connection.executemany("insert into seen values ($1)", [(event.position,) for event in events])

audit_app(lambda: [("audit", projection("seen", {"seen": ()}, None, apply))])()
"""


def run(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={"HOLDFAST_DATABASE_URL": url, "COLUMNS": "200"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def test_verify_says_that_the_book_holds(written: Ledger, database_url: str) -> None:
    done = run(database_url, "verify", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["ok"], report["position"], report["faults"]) == (True, 10, [])
    assert "Book 1 holds: 10 events in 4 blocks" in run(database_url, "verify").stdout


async def test_verify_fails_with_the_first_position_that_is_wrong(written: Ledger, database_url: str) -> None:
    await written.pool.execute(
        "alter table ledger.events disable trigger append_only;"
        "update ledger.events set actor = 'x' where position >= 7;"
        "alter table ledger.events enable trigger append_only"
    )
    done = run(database_url, "verify", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["faults"][0]["position"] == 7
    assert "position 7 do not give its hash. (event_changed)" in run(database_url, "verify").stdout


async def test_verify_resumes_and_shows_a_rewritten_tail(written: Ledger, database_url: str, tmp_path: Path) -> None:
    kept = str(tmp_path / "kept")
    assert run(database_url, "verify", "--resume", kept).returncode == 0
    await forge(written, "update ledger.events set reason = 'another' where position = 10")
    await mend_chain(written)
    done = run(database_url, "verify", "--resume", kept)
    assert (done.returncode, "(history_rewritten)" in done.stdout) == (1, True)
    assert "10 events in 4 blocks, the first 10 before" in done.stdout


async def test_replay_goes_back_and_shows_accounts_and_streams(written: Ledger, database_url: str) -> None:
    sealed_at = await written.pool.fetchval("select sealed_at from ledger.blocks where block = 1")
    done = run(database_url, "replay", "--as-of", sealed_at.isoformat(), "--account", "escrow:*", "--json")
    earlier = json.loads(done.stdout)
    assert (earlier["position"], earlier["equal"]) == (4, True)
    [held] = earlier["balances"]
    assert held == {"account": "escrow:held", "currency": "USD", "amount_minor": -200, "live_minor": None}
    stream = await written.pool.fetchval("select stream from ledger.events where position = 6")
    shown = run(database_url, "replay", "--stream", stream).stdout
    assert ("funds:unallocated -3.00 USD" in shown, "What the stream posts together" in shown) == (True, True)
    await written.pool.execute("update ledger.balances set amount = amount - 1 where account = 'escrow:held'")
    wrong = run(database_url, "replay", "--account", "escrow:*")
    assert (wrong.returncode, "escrow:held is kept as -4.01." in wrong.stdout) == (1, True)


async def test_the_trial_balance_is_a_table_or_json(written: Ledger, database_url: str) -> None:
    done = run(database_url, "trial-balance")
    assert done.returncode == 0
    assert any(
        line.split("│")[1:4] == [" escrow:held       ", " liability ", " USD      "]
        for line in done.stdout.splitlines()
    )
    assert "6.00" in done.stdout
    report = json.loads(run(database_url, "trial-balance", "--json", "--position", "3").stdout)
    assert (report["balanced"], report["position"]) == (True, 3)


async def test_replay_fails_when_a_read_model_differs(written: Ledger, database_url: str) -> None:
    await written.pool.execute(
        "create table audit.seen (position bigint); insert into audit.seen select generate_series(1, 10);"
        "insert into audit.checkpoints values ('seen', 10)"
    )
    done = run(database_url, "replay")
    assert done.returncode == 0, done.stderr
    assert "Rebuild equals live." in done.stdout
    await written.pool.execute("delete from audit.seen where position = 4")
    done = run(database_url, "replay", "--json")
    assert done.returncode == 1
    [_, seen] = json.loads(done.stdout)["comparisons"]
    assert (seen["missing"], seen["examples"]) == (1, [{"missing": {"position": 4}}])
    assert "Rebuild differs from live." in run(database_url, "replay").stdout


async def test_a_missing_database_url_and_an_unknown_book_fail(written: Ledger, database_url: str) -> None:
    assert run("", "verify").returncode == 1
    assert run(database_url, "verify", "--book", "9").returncode == 1
