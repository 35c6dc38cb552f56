"""Processes that die at the worst moments: while they perform a piece of work, around each of its calls."""

from __future__ import annotations

import asyncio
import random
import sys
from contextvars import ContextVar
from typing import Any, Final, Literal

import pytest

from libs.eventstore.execute import Done, Executor
from libs.eventstore.worklist import Item, Worker
from libs.runtime.calls import Calls

Moment = Literal["before the effect", "after the effect", "after recording"]
MOMENTS: Final[tuple[Moment, ...]] = ("before the effect", "after the effect", "after recording")

_at_work: ContextVar[str | None] = ContextVar("at_work", default=None)


class Killed(asyncio.CancelledError):
    """No `except Exception` sees it, as none sees a process's end; and asyncio says nothing about it."""


class Reaper:
    """Decides who dies. The row of the work stays leased, as that of a process that died; only workers are harmed."""

    def dies(self, moment: Moment, kind: str, call: str) -> bool:
        """Asked at every moment of every call, and after every record, of work of that kind."""
        raise NotImplementedError

    def reap(self, patch: pytest.MonkeyPatch) -> None:
        """From now on."""
        perform, enter, leave, run = Worker._perform, Calls.__aenter__, Calls.__aexit__, Executor.run

        async def performing(worker: Worker, item: Item) -> None:
            _at_work.set(item.kind)
            await perform(worker, item)

        async def entering(calls: Calls) -> None:
            await enter(calls)
            self._die("before the effect", _caller())

        async def leaving(calls: Calls, *error: Any) -> None:
            await leave(calls, *error)
            self._die("after the effect", _caller())

        async def running(executor: Executor, *steps: Any, **particulars: Any) -> Done:
            done = await run(executor, *steps, **particulars)
            if done.events:
                self._die("after recording", "append")
            return done

        patch.setattr(Worker, "_perform", performing)
        patch.setattr(Calls, "__aenter__", entering)
        patch.setattr(Calls, "__aexit__", leaving)
        patch.setattr(Executor, "run", running)

    def _die(self, moment: Moment, call: str) -> None:
        kind = _at_work.get()
        if kind is not None and self.dies(moment, kind, call):
            raise Killed(f"{kind} died {moment} of {call}")


class Deaths(Reaper):
    """Kills, once each, every call of every kind of work at one moment; or, after recording, every kind of work."""

    def __init__(self, moment: Moment) -> None:
        self.moment = moment
        self.killed: set[tuple[str, str]] = set()
        self._news = 0

    def take_news(self) -> int:
        """How many died since somebody asked."""
        news, self._news = self._news, 0
        return news

    def dies(self, moment: Moment, kind: str, call: str) -> bool:
        if moment != self.moment or (kind, call) in self.killed:
            return False
        self.killed.add((kind, call))
        self._news += 1
        return True


class Accidents(Reaper):
    """Kills at random, one moment in so many."""

    def __init__(self, chance: random.Random, one_in: int) -> None:
        self.over = False
        self._chance = chance
        self._one_in = one_in

    def dies(self, moment: Moment, kind: str, call: str) -> bool:
        return not self.over and self._chance.randrange(self._one_in) == 0


def _caller() -> str:
    """The gateway's method that a call is made in."""
    return sys._getframe(2).f_code.co_name
