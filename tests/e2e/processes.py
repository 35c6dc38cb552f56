"""Services as processes of their own, started, killed and started again as an operator would."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx

_HOLDFAST = Path(sys.executable).parent / "holdfast"
_READY_SECONDS = 60


@dataclass
class ServiceProcess:
    """`holdfast serve NAME` with its own port and log."""

    name: str
    port: int
    environment: Mapping[str, str]
    log: Path
    _process: asyncio.subprocess.Process | None = None
    _log_file: IO[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._log_file = self.log.open("ab")
        self._process = await asyncio.create_subprocess_exec(
            _HOLDFAST,
            "serve",
            self.name,
            env={**self.environment, "HOLDFAST_HTTP_PORT": str(self.port)},
            stdout=self._log_file,
            stderr=self._log_file,
            start_new_session=True,
        )

    async def ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        async with httpx.AsyncClient() as http:
            while True:
                try:
                    if (await http.get(f"{self.url}/readyz", timeout=5)).is_success:
                        return
                except httpx.HTTPError:
                    pass
                if time.monotonic() > deadline or (self._process and self._process.returncode is not None):
                    raise AssertionError(f"{self.name} does not get ready:\n{self.log.read_text()[-3_000:]}")
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """As `kill -9` does: nothing is finished, nothing is closed."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """As Kubernetes does."""
        await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            os.kill(self._process.pid, number)
            await self._process.wait()
        if self._log_file is not None:
            self._log_file.close()


async def holdfast(environment: Mapping[str, str], *arguments: str) -> tuple[int, str, str]:
    """Run the command line as a process; exit code, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        _HOLDFAST,
        *arguments,
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()
