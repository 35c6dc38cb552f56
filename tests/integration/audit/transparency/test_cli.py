"""The commands, from a new key to a proof that is checked where nothing of ours is running."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from libs.eventstore.ledger import Ledger
from libs.eventstore.projector import Projector
from libs.ledger.errors import HoldfastError
from services.audit.cli import audit_app
from services.audit.transparency.heads import Signer
from tests.integration.audit.transparency.book import KEY, Book, rewrite_tail

_REPOSITORY = Path(__file__).parents[4]
_CHECK = "import sys; from services.cli import main; sys.argv[0] = 'holdfast'; main()"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> None:
    for name in list(os.environ):
        if name.startswith("HOLDFAST_") and "_TEST_" not in name:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOLDFAST_DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)


async def holdfast(*arguments: str) -> Result:
    """`holdfast audit ...`; in a thread, since a command runs an event loop of its own."""
    return await asyncio.to_thread(lambda: CliRunner().invoke(audit_app(list), arguments))


async def done(*arguments: str) -> str:
    result = await holdfast(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


async def refused(*arguments: str) -> str:
    """The code of the refusal; `services.cli.main` prints it with its sentence."""
    result = await holdfast(*arguments)
    assert result.exit_code == 1
    assert isinstance(result.exception, HoldfastError)
    return result.exception.code


def offline(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`holdfast audit ...` in a process that knows no database and has no environment."""
    return subprocess.run(
        [sys.executable, "-c", _CHECK, "audit", *arguments],
        env={"PYTHONPATH": str(_REPOSITORY), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
async def signed_book(book: Book, signer: Signer) -> Book:
    """Twelve events, and heads of seven and of twelve."""
    for more in (7, 5):
        await book.grow(more)
        await signer.sign()
    return book


async def test_a_proof_is_made_here_and_checked_elsewhere(signed_book: Book, tmp_path: Path) -> None:
    (tmp_path / "log.key").write_text(f"# who signs\n{KEY.verifier.text}\n")
    assert (await done("prove", "--position", "3", "--out", "three.tlog-proof")) == ""
    (tmp_path / "grown.proof").write_text(await done("prove", "--consistency", "7", "12"), newline="")
    await done("heads", "--out", "kept")
    kept = "kept/000000000007.checkpoint"
    checked = offline("check-proof", "three.tlog-proof", "grown.proof", "--key", "log.key", "--head", kept)
    assert checked.returncode == 0, checked.stderr
    first, second, third = checked.stdout.splitlines()
    assert first.startswith("Proven: event 3 (Noted in payment-")
    assert second.startswith("Proven: what 7 events were is unchanged at the beginning of the log example.com/book-1")
    assert third == f"All of it is of one history with the head in {kept}."


async def test_a_check_that_fails_says_what_is_wrong_and_exits_with_1(signed_book: Book, tmp_path: Path) -> None:
    text = await done("prove", "--position", "3")
    (tmp_path / "bent").write_text(text.replace("index 2", "index 3"))
    checked = offline("check-proof", "bent", "--key", KEY.verifier.text)
    assert checked.returncode == 1
    assert "".join(checked.stderr.split("\n")) == (
        "bent: The event says position 3, the proof is for entry 3, from 0. (wrong_index)"
    )


async def test_line_ends_are_part_of_what_was_signed(signed_book: Book, tmp_path: Path) -> None:
    text = await done("prove", "--position", "3")
    (tmp_path / "windows").write_text(text, newline="\r\n")
    assert await refused("check-proof", "windows", "--key", KEY.verifier.text) == "bad_form"


async def test_what_was_proven_is_also_said_to_machines(signed_book: Book, tmp_path: Path) -> None:
    made = json.loads(await done("prove", "--position", "3", "--size", "7", "--json"))
    assert (made["signed"], made["heads"][0]["size"], made["event"]["position"]) == (True, 7, 3)
    (tmp_path / "proof").write_text(made["proof"])
    found = json.loads(await done("check-proof", "proof", "--key", KEY.verifier.text, "--json"))
    assert found["ok"] is True
    assert found["proven"][0]["event"] == made["event"]
    assert found["proven"][0]["keys"] == [KEY.verifier.text]


async def test_an_unsigned_proof_says_that_nothing_vouches_for_it(book: Book) -> None:
    await book.grow(4)
    assert await refused("prove", "--position", "3") == "no_head"
    made = await holdfast("prove", "--position", "3", "--unsigned", "--out", "proof")
    assert made.exit_code == 0
    assert made.stderr.endswith("Nothing vouches for that: the root of these events is not signed.\n")
    assert await refused("check-proof", "proof", "--key", KEY.verifier.text) == "unsigned"


async def test_heads_are_listed_and_saved_once(signed_book: Book, tmp_path: Path) -> None:
    listed = json.loads(await done("heads", "--json"))["heads"]
    assert [head["size"] for head in listed] == [7, 12]
    assert "2 heads saved in kept, 0 were there." in await done("heads", "--out", "kept")
    assert "0 heads saved in kept, 2 were there." in await done("heads", "--out", "kept")
    kept = tmp_path / "kept" / "000000000012.checkpoint"
    assert kept.read_text() == listed[1]["checkpoint"]
    kept.write_text("another")
    assert await refused("heads", "--out", "kept") == "head_changed"


async def test_the_book_is_checked_against_a_kept_head(
    signed_book: Book, grower: Projector, ledger: Ledger, tmp_path: Path
) -> None:
    await done("heads", "--out", "kept")
    check = ("check-book", "--head", "kept/000000000012.checkpoint", "--key", KEY.verifier.text)
    assert "The first 12 events of book 1 are those of the kept head" in await done(*check)
    await rewrite_tail(signed_book.owner, grower)
    result = await holdfast(*check, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["fault"]["code"] == "history_changed"
    assert "(history_changed)" in (await holdfast(*check)).stdout


async def test_a_key_is_made_private_and_shown_in_public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = (await done("keys", "new", "--name", "ledger.example.com", "--out", "signing.key")).strip()
    path = tmp_path / "signing.key"
    assert made.startswith("ledger.example.com/book-1+")
    assert path.stat().st_mode & 0o777 == 0o600
    assert (await done("keys", "show", "--file", "signing.key")).strip() == made
    monkeypatch.setenv("HOLDFAST_AUDIT_SIGNING_KEY_FILE", str(path))
    assert json.loads(await done("keys", "show", "--json")) == {"verifier_keys": [made]}
    assert await refused("keys", "new", "--name", "x", "--out", "signing.key") == "unwritable"
    assert (await done("keys", "show")).strip() == made
    path.chmod(0o640)
    assert await refused("keys", "show") == "key_exposed"
    assert await refused("keys", "show", "--file", "signing.key") == "key_exposed"


async def test_what_makes_no_sense_is_refused_with_a_code() -> None:
    expected = {
        ("prove",): "bad_option",
        ("prove", "--position", "1", "--consistency", "1", "2"): "bad_option",
        ("prove", "--position", "1"): "unknown_position",
        ("prove", "--consistency", "1", "2"): "no_head",
        ("check-proof", "absent", "--key", KEY.verifier.text): "unreadable",
        ("check-proof", "absent", "--key", "absent"): "unreadable",
        ("keys", "new", "--name", "a b", "--out", "key"): "bad_key",
        ("keys", "show"): "no_key",
    }
    assert {arguments: await refused(*arguments) for arguments in expected} == expected


async def test_files_that_hold_nothing_are_refused(tmp_path: Path) -> None:
    for content in (b"\xff", b"", b"# nobody\n"):
        (tmp_path / "file").write_bytes(content)
        assert await refused("check-proof", "file", "--key", KEY.verifier.text) == "bad_form"
        assert await refused("check-proof", "file", "--key", "file") in {"bad_form", "bad_key"}
