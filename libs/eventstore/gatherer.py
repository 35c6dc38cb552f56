"""Many callers, few round trips: while batches are in flight the next one gathers. A lone caller waits for nobody."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Generic, TypeVar, cast

Q = TypeVar("Q")
A = TypeVar("A")


def _alone(_request: object) -> Collection[str]:
    return ()


class Gatherer(Generic[Q, A]):
    """Turns `perform`, which answers a batch of requests in order, into one call a request.

    Two requests that have a name in common (`names`) are never in flight together; the later one leaves later. A second
    batch leaves beside the first only when each would be of `share_min` requests or more: while the server works on
    one, the callers of the other are answered, but small batches would only pay for two commits.
    """

    def __init__(
        self,
        perform: Callable[[Sequence[Q]], Awaitable[Sequence[A]]],
        *,
        batch_max: int,
        in_flight_max: int = 1,
        share_min: int = 1,
        names: Callable[[Q], Collection[str]] = _alone,
    ) -> None:
        self._perform = perform
        self._batch_max = batch_max
        self._share_min = share_min
        self._in_flight_max = in_flight_max
        self._names = names
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._flights: set[asyncio.Task[None]] = set()  # the loop itself holds tasks weakly
        self._in_air = 0
        self._taken: set[str] = set()

    async def ask(self, request: Q) -> A:
        """The answer to one request. What `perform` raises goes to every caller of its batch."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if not self._flights or (len(self._flights) < self._in_flight_max and self._enough_for_another()):
            self._flights.add(asyncio.create_task(self._fly()))
        return await future

    def _enough_for_another(self) -> bool:
        return len(self._waiting) >= self._share_min * (1 if self._in_air else 2)

    async def _fly(self) -> None:
        try:
            while self._waiting:
                batch, names = self._gather()
                if not batch:
                    return  # a batch in the air has names of all that wait, and will come back for them
                self._in_air += 1
                try:
                    await self._answer(batch)
                finally:
                    self._in_air -= 1
                    self._taken -= names
                await asyncio.sleep(0)  # the callers that were answered may have more to ask
        finally:  # not a done callback: a request that came between return and callback would wait for ever
            self._flights.remove(cast(asyncio.Task[None], asyncio.current_task()))

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

    def _gather(self) -> tuple[list[tuple[Q, asyncio.Future[A]]], set[str]]:
        size = len(self._waiting)
        if self._in_flight_max > 1 and not self._in_air and self._enough_for_another():
            size = (size + 1) // 2  # the other half is the next batch's
        size = min(size, self._batch_max)
        batch: list[tuple[Q, asyncio.Future[A]]] = []
        later: list[tuple[Q, asyncio.Future[A]]] = []
        taken: set[str] = set()
        while self._waiting and len(batch) < size:
            request, future = self._waiting.popleft()
            names = self._names(request)
            if self._taken.isdisjoint(names):
                self._taken.update(names)
                taken.update(names)
                batch.append((request, future))
            else:
                later.append((request, future))
        self._waiting.extendleft(reversed(later))
        return batch, taken
