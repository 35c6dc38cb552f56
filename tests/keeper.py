"""One server for all workers of a test run, whichever worker asks first and whichever ends last.

The first who asks starts this module as a process of its own: the keeper runs the server until nobody uses it any more.
Who uses it holds a shared lock on a file; the kernel gives that back even after a kill -9, so there is no count that
could be left wrong, and no worker has to wait at its end for the others.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from libs.devstack.postgres import running_postgres
from libs.devstack.rabbitmq import running_rabbitmq

_START_SECONDS = 150.0
_POLL_SECONDS = 0.05


@contextmanager
def shared_server(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """The address of the run's server of that kind (`postgres-16`, `postgres-18`, `rabbitmq`), up during the block."""
    address_file, users_file = _files(kind, folder)
    with users_file.open("a") as users:
        with _alone(kind, folder):
            # Taken before anybody else may look: the keeper cannot see a moment without users.
            fcntl.flock(users, fcntl.LOCK_SH)
            if not address_file.exists():
                _start_keeper(kind, folder, users)
        yield json.loads(address_file.read_text())


def _start_keeper(kind: str, folder: Path, users: IO[str]) -> None:
    log_file = folder / f"{kind}.keeper.log"
    with log_file.open("w") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.keeper", kind, str(folder)],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    address_file, _ = _files(kind, folder)
    give_up_at = time.monotonic() + _START_SECONDS
    while not address_file.exists():
        if keeper.poll() is not None or time.monotonic() > give_up_at:
            fcntl.flock(users, fcntl.LOCK_UN)
            raise RuntimeError(f"The tests need {kind}, and it did not start:\n{log_file.read_text()[-2000:]}")
        time.sleep(_POLL_SECONDS)


async def _keep(kind: str, folder: Path) -> None:
    if kind == "rabbitmq":
        async with running_rabbitmq() as broker:
            await _serve(kind, folder, {"url": broker.url, "management_url": broker.management_url})
    else:
        # Nothing here outlives a power cut, and a new database takes a third of the time. Whoever stops or kills a
        # server starts one of their own, which syncs.
        version = int(kind.removeprefix("postgres-"))
        async with running_postgres(version, fsync="off", full_page_writes="off") as server:
            await _serve(kind, folder, {"url": server.url})


async def _serve(kind: str, folder: Path, address: dict[str, str]) -> None:
    address_file, users_file = _files(kind, folder)
    unfinished = address_file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(address))
    unfinished.rename(address_file)
    with users_file.open("a") as users:
        while True:
            await asyncio.to_thread(fcntl.flock, users, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_UN)
            with _alone(kind, folder):
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue  # a new user came between the two locks
                address_file.unlink()
                return


@contextmanager
def _alone(kind: str, folder: Path) -> Iterator[None]:
    with (folder / f"{kind}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _files(kind: str, folder: Path) -> tuple[Path, Path]:
    return folder / f"{kind}.json", folder / f"{kind}.users"


if __name__ == "__main__":
    asyncio.run(_keep(sys.argv[1], Path(sys.argv[2])))
