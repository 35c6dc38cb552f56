"""The commands as a script and a person meet them: output, exit code, progress out of the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from libs.eventstore.ledger import Ledger

PROGRAM = """
from libs.eventstore.projector import Projection
from services.audit.cli import audit_app

async def apply(connection, events):
    await connection.executemany("insert into seen values ($1)", [(event.position,) for event in events])

audit_app(lambda: [("audit", Projection("seen", {"seen": ()}, None, apply))])()
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
