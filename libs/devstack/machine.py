"""Where a server runs: a guarded process here, a container, or somewhere that is not ours to touch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from libs.devstack.errors import NotOurServer, ServerFailed

_POLL_SECONDS = 0.05
_PROBE_SECONDS = 5.0


class Machine(Protocol):
    async def start(self) -> None:
        """Begin to run the server; it may not answer yet."""

    async def signal(self, number: int) -> None:
        """Send a signal to the server's main process."""

    async def stopped(self, within_seconds: float) -> None:
        """Return when the server has ended; `ServerFailed` if it has not in that time."""

    def running(self) -> bool:
        """False once the server has ended by itself or by a signal."""

    def last_words(self) -> str:
        """The end of the server's log."""


class Elsewhere:
    """A server that was given by its address."""

    async def start(self) -> None:
        self._refuse()

    async def signal(self, number: int) -> None:  # noqa: ARG002 - Machine's signature
        self._refuse()

    async def stopped(self, within_seconds: float) -> None:  # noqa: ARG002 - Machine's signature
        self._refuse()

    def running(self) -> bool:
        return True

    def last_words(self) -> str:
        return "(its log is not ours to read)"

    def _refuse(self) -> None:
        raise NotOurServer(
            "This server was given by its URL and is not ours to start or stop; leave the URL out to get a private one."
        )


async def until_it_answers(name: str, machine: Machine, probe: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Repeat `probe` until it raises nothing; `ServerFailed` when the server ends first or time is up."""
    give_up_at = time.monotonic() + seconds
    while True:
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await probe()
        except Exception as refusal:
            if not machine.running():
                raise ServerFailed(
                    f"{name} ended while it was starting. Its last words:\n{machine.last_words()}"
                ) from refusal
            if time.monotonic() > give_up_at:
                raise ServerFailed(
                    f"{name} did not answer within {seconds:g} seconds ({refusal!r}). "
                    f"Its last words:\n{machine.last_words()}"
                ) from refusal
            await asyncio.sleep(_POLL_SECONDS)
        else:
            return
