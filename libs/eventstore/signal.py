"""A hint between tasks: something may have happened. Always only a hint; whoever waits also polls."""

from __future__ import annotations

import asyncio


class Signal:
    """Arm before looking, wait after: a pulse between the two is not lost."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def pulse(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    def arm(self) -> asyncio.Event:
        return self._event


async def pulsed(armed: asyncio.Event, *, poll_seconds: float) -> None:
    """Return at the pulse, or after `poll_seconds` without one."""
    try:
        async with asyncio.timeout(poll_seconds):
            await armed.wait()
    except TimeoutError:
        pass
