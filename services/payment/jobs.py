"""`resolve-unknown`: ask the processor what became of calls that gave no answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg

from libs.eventstore.pool import availability
from libs.eventstore.projector import Projector
from libs.eventstore.signal import Signal
from libs.eventstore.store import SQL
from libs.eventstore.worklist import Item, Perform, Worker
from libs.runtime.service import Clock, Progress, RunJob


def resolve_unknown(
    pool: asyncpg.Pool, projector: Projector, performances: Mapping[str, Perform], clock: Clock
) -> RunJob:
    """The job over these kinds of work. Its summary: how many were `done`, how many due ones are `left`."""

    async def run(as_of: datetime, progress: Progress) -> Mapping[str, Any]:
        done = 0

        def counting(perform: Perform) -> Perform:
            async def counted(item: Item) -> None:
                nonlocal done
                await perform(item)
                done += 1
                progress(f"{item.kind} of {item.subject} is settled")

            return counted

        counted = {kind: counting(perform) for kind, perform in performances.items()}
        worker = Worker(pool, Signal(), counted, clock)
        await projector.catch_up()
        while await worker.drain(as_of):
            await projector.catch_up()
        with availability():
            left = await pool.fetchval(SQL.work_left, list(performances), as_of)
        return {"done": done, "left": left}

    return run
