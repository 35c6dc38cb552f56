"""The twin's own time, and what is due in it."""

import heapq
import itertools
import time
from collections.abc import Callable

Action = Callable[[], None]


class Clock:
    """Unix time in whole seconds, as Stripe gives it; moves forwards only."""

    def __init__(self, start: int | None, *, ticking: bool, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._ticking = ticking
        self._reading = float(wall() if start is None else start)
        self._read_at = wall()

    def now(self) -> int:
        if self._ticking:
            # max(): a wall clock that was set back must not make created times run backwards
            self._reading += max(0.0, (wall := self._wall()) - self._read_at)
            self._read_at = wall
        return int(self._reading)

    def advance(self, seconds: int) -> int:
        if seconds < 0:
            raise ValueError(f"The twin's clock cannot go back by {-seconds} s; start a new twin for an earlier time.")
        self._reading += seconds
        return self.now()

    def set(self, moment: int) -> int:
        return self.advance(moment - self.now())


class Agenda:
    """What is to happen at a given time of the twin's clock, in order of time, then of arrival."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[int, int, Action]] = []
        self._arrival = itertools.count()

    def at(self, moment: int, action: Action) -> None:
        heapq.heappush(self._due, (moment, next(self._arrival), action))

    def next_due(self) -> int | None:
        return self._due[0][0] if self._due else None

    def run_due(self) -> bool:
        """Do what is due by now and say whether anything was. An action may plan further ones."""
        if not self._due or self._due[0][0] > (now := self._clock.now()):
            return False
        while self._due and self._due[0][0] <= now:
            heapq.heappop(self._due)[2]()
        return True
