"""Read models of tests, which say what to do with a slice of the log in one function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from libs.eventstore.model import Recorded
from libs.eventstore.projector import EventProjection

Apply = Callable[[Any, Sequence[Recorded]], Awaitable[None]]


class _Gathered:
    """Events of a slice, all applied when it is written."""

    def __init__(self, apply: Apply) -> None:
        self._apply = apply
        self._events: list[Recorded] = []

    def add(self, recorded: Recorded) -> None:
        self._events.append(recorded)

    async def write(self, connection: Any) -> None:
        if self._events:
            await self._apply(connection, self._events)


def projection(
    name: str, tables: Mapping[str, tuple[str, ...]], kinds: tuple[str, ...] | None, apply: Apply
) -> EventProjection:
    """A read model whose rows `apply(connection, events)` writes, for a slice of the log in order."""
    return EventProjection(name, tables, kinds, partial(_Gathered, apply))


async def apply(projection: EventProjection, connection: Any, events: Sequence[Recorded]) -> None:
    """Apply events as one slice of the log."""
    changes = projection.changes()
    for event in events:
        changes.add(event)
    await changes.write(connection)
