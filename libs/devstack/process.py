"""A server as a process of this machine, owned through a guard so that it cannot outlive us."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from libs.devstack.errors import ServerFailed

_GUARD = Path(__file__).with_name("guard.py")
_LOG_LINES = 15


@dataclass
class GuardedProcess:
    """A `Machine` that runs `command` in `folder`, as another user where one is given.

    `orphan_signal` is what the server gets should this process die; `remove` is the folder that goes with it.
    """

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    user: tuple[int, int] | None = None
    orphan_signal: int = signal.SIGKILL
    remove: Path | None = None
    _guard: subprocess.Popen[str] | None = field(default=None, init=False, repr=False)

    @property
    def log_file(self) -> Path:
        return self.folder / "server.log"

    async def start(self) -> None:
        spec = {
            "command": list(self.command),
            "folder": str(self.folder),
            "log_file": str(self.log_file),
            "environment": dict(self.environment),
            "uid": self.user[0] if self.user else None,
            "gid": self.user[1] if self.user else None,
            "orphan_signal": int(self.orphan_signal),
            "remove": str(self.remove) if self.remove else None,
        }
        await asyncio.to_thread(self._spawn, json.dumps(spec))

    def _spawn(self, spec: str) -> None:
        self._guard = subprocess.Popen(  # noqa: S603 - our own script
            # -I -S: no site-packages, so it is up in 20 ms. A new session: Ctrl-C is for us, who then stop the server.
            [sys.executable, "-I", "-S", str(_GUARD), spec],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    async def signal(self, number: int) -> None:
        if self._guard is None or self._guard.stdin is None or not self.running():
            return
        try:
            self._guard.stdin.write(f"{int(number)}\n")
            self._guard.stdin.flush()
        except BrokenPipeError:
            return  # it ended by itself between the question and the order

    async def stopped(self, within_seconds: float) -> None:
        if self._guard is None:
            return
        try:
            await asyncio.to_thread(self._guard.wait, within_seconds)
        except subprocess.TimeoutExpired as error:
            raise ServerFailed(
                f"{self.command[0]} did not end within {within_seconds:g} seconds. Its last words:\n{self.last_words()}"
            ) from error
        if self._guard.stdin is not None:
            self._guard.stdin.close()

    def running(self) -> bool:
        return self._guard is not None and self._guard.poll() is None

    def last_words(self) -> str:
        if not self.log_file.exists():
            return "(no log)"
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-_LOG_LINES:])
