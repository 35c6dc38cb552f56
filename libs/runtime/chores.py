"""Work lists seen from jobs: bring the projections up to date, do what is due, say how much is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg

from libs.eventstore.pool import availability
from libs.eventstore.projector import Projector
from libs.eventstore.signal import Signal
from libs.eventstore.store import SQL
from libs.eventstore.worklist import Item, Perform, Worker
from libs.runtime.service import Clock, Progress, RunJob


@dataclass(frozen=True, slots=True)
class Chores:
    """A service's work list with those who keep and perform it. Workers elsewhere may be at the same list."""

    pool: asyncpg.Pool
    projectors: Sequence[Projector]
    performances: Mapping[str, Perform]
    clock: Clock

    async def catch_up(self) -> None:
        for projector in self.projectors:
            await projector.catch_up()

    async def drain(self, kinds: Sequence[str], as_of: datetime) -> int:
        """Perform what is due of these kinds until nothing more can be claimed; how much of it is left.

        A job that acts as of an earlier day makes work that is due today, so due is what either of the two has reached.
        """
        as_of = max(as_of, self.clock())
        worker = Worker(self.pool, Signal(), {kind: self.performances[kind] for kind in kinds}, self.clock)
        await self.catch_up()
        while await worker.drain(as_of):
            await self.catch_up()
        with availability():
            left: int = await self.pool.fetchval(SQL.work_left, list(kinds), as_of)
        return left


def resolve_unknown(chores: Chores, kinds: Sequence[str]) -> RunJob:
    """The job `resolve-unknown` over work of these kinds: ask what became of calls that gave no answer.

    Its summary: how many were cleared up (`done`), how many due ones are `left`.
    """

    async def run(as_of: datetime, progress: Progress) -> Mapping[str, Any]:
        done = 0

        def counting(perform: Perform) -> Perform:
            async def counted(item: Item) -> None:
                nonlocal done
                await perform(item)
                done += 1
                progress(f"{item.kind} of {item.subject} is settled")

            return counted

        counted = {kind: counting(chores.performances[kind]) for kind in kinds}
        left = await replace(chores, performances=counted).drain(kinds, as_of)
        return {"done": done, "left": left}

    return run
