"""Servers end with whoever started them, however that one ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).parents[3]

_OWNER = """
import asyncio
import signal
from libs.devstack.{module} import {function}

async def main():
    async with {function}() as server:
        print(server.url.rpartition(":")[2].split("/")[0], server.machine.folder, flush=True)
        await asyncio.sleep(600)

# A shell starts what it runs in the background with SIGINT ignored, and so would the tests have been.
signal.signal(signal.SIGINT, signal.default_int_handler)
asyncio.run(main())
"""


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.05)
    return True


def _processes_about(folder: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if folder in command:
                found.append(command)
    return found


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
@pytest.mark.parametrize(
    ("module", "function"),
    [("postgres", "running_postgres"), ("rabbitmq", "running_rabbitmq")],
    ids=["postgres", "rabbitmq"],
)
def test_a_server_ends_with_its_owner_and_leaves_nothing(module: str, function: str, end: signal.Signals) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER.format(module=module, function=function)],
        cwd=_REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": str(_REPOSITORY)},
    )
    assert owner.stdout is not None
    port, folder = owner.stdout.readline().split()
    assert _listens(int(port))
    owner.send_signal(end)
    owner.wait(30)
    owner.stdout.close()
    assert _within(20, lambda: not _listens(int(port)))
    assert _within(20, lambda: not Path(folder).exists())
    assert _within(20, lambda: not _processes_about(folder)), _processes_about(folder)
