"""Many callers, few round trips: while one batch is in flight the next one gathers. A lone caller waits for nobody."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


def _alone(_request: object) -> Collection[str]:
    return ()


class Gatherer(Generic[Q, A]):
    """Turns `perform`, which answers a batch of requests in order, into one call a request.

    Two requests that have a name in common (`names`) never share a batch; the later one goes with the next.
    """

    def __init__(
        self,
        perform: Callable[[Sequence[Q]], Awaitable[Sequence[A]]],
        *,
        batch_max: int,
        names: Callable[[Q], Collection[str]] = _alone,
    ) -> None:
        self._perform = perform
        self._batch_max = batch_max
        self._names = names
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._flushing: asyncio.Task[None] | None = None

    async def ask(self, request: Q) -> A:
        """The answer to one request. What `perform` raises goes to every caller of its batch."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        try:
            while self._waiting:
                await self._answer(self._gather())
        finally:
            self._flushing = None

    async def _answer(self, batch: Sequence[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._perform([request for request, _ in batch])
        except Exception as error:  # noqa: BLE001 - it belongs to the callers, each of whom gets it
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():  # its caller was cancelled
                    future.set_result(answer)

    def _gather(self) -> list[tuple[Q, asyncio.Future[A]]]:
        batch: list[tuple[Q, asyncio.Future[A]]] = []
        later: list[tuple[Q, asyncio.Future[A]]] = []
        taken: set[str] = set()
        while self._waiting and len(batch) < self._batch_max:
            request, future = self._waiting.popleft()
            names = self._names(request)
            if taken.isdisjoint(names):
                taken.update(names)
                batch.append((request, future))
            else:
                later.append((request, future))
        self._waiting.extendleft(reversed(later))
        return batch
