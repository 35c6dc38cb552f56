"""How far a proof is, for whoever waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple


class Step(NamedTuple):
    """`done` of `total` events, at a rate."""

    what: str
    done: int
    total: int
    per_second: float


Progress = Callable[[Step], None]


def quiet(_step: Step) -> None:
    """Nobody waits."""


class Meter:
    """Counts events and tells of them; those `before` were done by somebody else."""

    def __init__(self, what: str, total: int, progress: Progress, *, before: int = 0) -> None:
        self._what = what
        self._total = total
        self._before = before
        self._progress = progress
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._started

    def reached(self, done: int) -> None:
        self._progress(Step(self._what, done, self._total, self.rate(done)))

    def rate(self, done: int) -> float:
        """Events per second so far."""
        return (done - self._before) / self.seconds
