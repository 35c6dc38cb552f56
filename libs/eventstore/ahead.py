"""What is needed next, made ready by a task of its own meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """At most one `read(after)` under way. Leaving the block ends it and waits until it gave back what it held."""

    def __init__(self, read: Callable[[int], Coroutine[Any, Any, T]]) -> None:
        self._read = read
        self._task: asyncio.Task[T] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            # What it raised is not lost: whoever comes back here reads the same again.
            await asyncio.gather(self._task, return_exceptions=True)

    def start(self, after: int) -> None:
        """Begin to read after a position; whatever was begun before was taken."""
        self._task = asyncio.create_task(self._read(after))

    async def take(self) -> T | None:
        """What was begun, once it is ready; None if nothing was. Raises what reading raised."""
        task, self._task = self._task, None
        return await task if task is not None else None
