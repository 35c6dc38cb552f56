"""Run one server as a child and never let it outlive its owner. A script for `process.py`; standard library only.

The guard is the server's parent and takes orders (signal numbers, one a line) on its standard input. When that pipe
ends, the owner is gone, however it died: the guard ends the server and removes its folder. Watching a process id would
be shorter and wrong: an id can pass to a stranger's process, but not while its parent has not reaped it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.01
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


class Guard:
    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec
        self._lock = threading.Lock()
        self._over = False
        self._orphaned = threading.Event()
        with Path(spec["log_file"]).open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 - the command was written by process.py's caller
                spec["command"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=spec["folder"],
                env=spec["environment"],
                start_new_session=True,
                **({"user": spec["uid"], "group": spec["gid"], "extra_groups": []} if spec["uid"] is not None else {}),
            )

    def run(self) -> int:
        _adopt_orphans()
        threading.Thread(target=self._follow_orders, daemon=True).start()
        # WNOWAIT leaves the child a zombie, so that its group's id stays ours until the stragglers are ended too. Those
        # adopted meanwhile are reaped as they come: RabbitMQ starts an epmd every minute, to see that one runs.
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)) and ended.si_pid != self._child.pid:
            os.waitpid(ended.si_pid, 0)
        self._signal(signal.SIGKILL)
        with self._lock:
            self._over = True
            code = self._child.wait()
        _reap_orphans()
        if self._orphaned.is_set() and self._spec["remove"]:
            shutil.rmtree(self._spec["remove"], ignore_errors=True)
        return code

    def _follow_orders(self) -> None:
        for line in sys.stdin:
            self._signal(int(line))
        self._orphaned.set()
        self._signal(self._spec["orphan_signal"])
        time.sleep(_GRACE_SECONDS)
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with self._lock, contextlib.suppress(ProcessLookupError):
            if not self._over:
                os.killpg(self._child.pid, number)


def _adopt_orphans() -> None:
    """Become the parent of the server's orphans (Linux only): a container may have no init that reaps them."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _reap_orphans() -> None:
    """Wait for them, so that "stopped" means all of it: a killed postmaster's backends end a moment after it."""
    give_up_at = time.monotonic() + _GRACE_SECONDS
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < give_up_at:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    # A plain return would wait for the thread that reads the pipe.
    os._exit(Guard(json.loads(sys.argv[1])).run() & 0xFF)
