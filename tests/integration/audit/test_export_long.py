"""A long book: exporting it takes little memory, and being killed leaves nothing that looks whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from libs.eventstore.ledger import open_ledger
from libs.eventstore.model import Appended
from services.audit.export.files import Format
from tests.bench.book import release
from tests.conftest import Databases

EVENTS = 50_000
MEMORY_MAX_KIB = 300 * 1024
PROGRAM = """
import sys
from services.cli import app
code = 0
try:
    app(["audit", "export", *sys.argv[1:]])
except SystemExit as end:
    code = end.code
# Not ru_maxrss, which a child inherits from whoever started it.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
async def long_book(databases: Databases) -> AsyncIterator[str]:
    url = await databases.create()
    async with open_ledger(url, None) as ledger:
        outcomes = await ledger.store.append([release(number) for number in range(EVENTS)])
        assert all(isinstance(outcome, Appended) for outcome in outcomes)
    yield url
    await databases.drop(url)


def started(url: str, folder: Path, formats: Sequence[Format]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), "--json", *(f"--format={each}" for each in formats)],
        env={"HOLDFAST_DATABASE_URL": url, "PATH": os.environ["PATH"]},
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_memory_does_not_grow_with_the_book(long_book: str, tmp_path: Path) -> None:
    with started(long_book, tmp_path / "out", list(Format)) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    manifest = json.loads(out)
    assert manifest["events"] == EVENTS
    assert sum(file["size_bytes"] for file in manifest["files"]) > 90_000_000
    peak_kib = int(err.split()[-1])
    assert peak_kib < MEMORY_MAX_KIB


@pytest.mark.parametrize(
    ("name", "format_"), [("postings.csv", Format.CSV), ("journal.beancount", Format.BEANCOUNT)], ids=str
)
def test_a_killed_export_has_no_manifest_and_no_name(
    long_book: str, tmp_path: Path, name: str, format_: Format
) -> None:
    folder = tmp_path / "out"
    with started(long_book, folder, [format_]) as process:
        deadline = time.monotonic() + 60
        while not (folder / f"{name}.partial").exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    left = {path.name for path in folder.iterdir()}
    assert f"{name}.partial" in left
    assert not left & {name, "manifest.json"}
