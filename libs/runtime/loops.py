"""Loops that run until we stop, and start again after every failure, with their state shown to `/readyz`."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import structlog

from libs.ledger.errors import Unavailable

PAUSE_SECONDS_MIN: Final = 0.1
PAUSE_SECONDS_MAX: Final = 10.0
HEALTHY_SECONDS: Final = 30.0
GRACE_SECONDS: Final = 20.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Loop:
    """Something that runs for ever. It ends when it is cancelled, having finished or safely left what it had begun."""

    name: str
    run: Callable[[], Awaitable[None]]


@dataclass(slots=True)
class LoopState:
    """How a loop does: `pausing` after a failure, `running` again after the pause."""

    phase: Literal["running", "pausing", "stopped"] = "stopped"
    failures: int = 0
    last_error: str | None = None


class Supervisor:
    """Runs loops side by side. One that fails pauses alone, ever longer up to ten seconds."""

    def __init__(self, loops: Sequence[Loop], *, on_failure: Callable[[str], None] = lambda _: None) -> None:
        self._loops = loops
        self._on_failure = on_failure
        self._tasks: list[asyncio.Task[None]] = []
        self.states = {loop.name: LoopState() for loop in loops}
        if len(self.states) != len(loops):
            raise ValueError(f"Two loops share a name: {sorted(loop.name for loop in loops)}")

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._supervise(loop), name=loop.name) for loop in self._loops]

    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Cancel the loops and let them finish what they began, for so long at most."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            _, unfinished = await asyncio.wait(self._tasks, timeout=grace_seconds)
            for task in unfinished:
                log.warning("a loop did not stop in time", loop=task.get_name(), seconds=grace_seconds)

    async def _supervise(self, loop: Loop) -> None:
        state = self.states[loop.name]
        pause = PAUSE_SECONDS_MIN
        try:
            while True:
                state.phase = "running"
                started = time.monotonic()
                try:
                    await loop.run()
                    raise RuntimeError("the loop returned, and a loop must not")  # noqa: TRY301 - one way of failing
                except Exception as error:  # noqa: BLE001 - whatever it was, the loop must go on
                    if time.monotonic() - started > HEALTHY_SECONDS:
                        pause = PAUSE_SECONDS_MIN
                    self._note(loop.name, error, pause)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                pause = min(pause * 2, PAUSE_SECONDS_MAX)
        finally:
            state.phase = "stopped"

    def _note(self, name: str, error: Exception, pause: float) -> None:
        state = self.states[name]
        state.phase = "pausing"
        state.failures += 1
        state.last_error = repr(error)
        self._on_failure(name)
        # An outage is expected and tells its story in a line; anything else is a defect and shows where it is.
        trace = None if isinstance(error, Unavailable) else error
        log.warning(
            "a loop failed and will start again", loop=name, pause_seconds=pause, error=str(error), exc_info=trace
        )
