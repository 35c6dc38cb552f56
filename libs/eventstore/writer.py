"""Group commit: while one batch is in flight the next one gathers. A lone append waits for nobody."""

from __future__ import annotations

import asyncio
from collections import deque

from libs.eventstore.batch import check
from libs.eventstore.model import Outcome, Unit
from libs.eventstore.store import Store

BATCH_UNITS_MAX = 1_000


class Writer:
    """Lets any number of tasks append to one store; one batch is in flight at a time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._waiting: deque[tuple[Unit, asyncio.Future[Outcome]]] = deque()
        self._flushing: asyncio.Task[None] | None = None

    async def append(self, unit: Unit) -> Outcome:
        """Store one unit. Errors as `Store.append`; a unit no store may take is refused before it joins a batch."""
        check(unit)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((unit, future))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        try:
            while self._waiting:
                batch = self._gather()
                try:
                    outcomes = await self.store.append([unit for unit, _ in batch])
                except Exception as error:  # noqa: BLE001 - it belongs to the callers, each of whom gets it
                    for _, future in batch:
                        if not future.done():
                            future.set_exception(error)
                else:
                    for (_, future), outcome in zip(batch, outcomes, strict=True):
                        if not future.done():  # its caller was cancelled
                            future.set_result(outcome)
        finally:
            self._flushing = None

    def _gather(self) -> list[tuple[Unit, asyncio.Future[Outcome]]]:
        """The next batch; units that share a stream or a key with one already in it wait for the next."""
        batch: list[tuple[Unit, asyncio.Future[Outcome]]] = []
        later: list[tuple[Unit, asyncio.Future[Outcome]]] = []
        taken: set[str] = set()
        while self._waiting and len(batch) < BATCH_UNITS_MAX:
            unit, future = self._waiting.popleft()
            names = {change.stream for change in unit.changes}
            if unit.key:
                names.add(f"key {unit.key.value}")
            if taken.isdisjoint(names):
                taken |= names
                batch.append((unit, future))
            else:
                later.append((unit, future))
        self._waiting.extendleft(reversed(later))
        return batch
