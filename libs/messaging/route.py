"""The route table: what a service listens to, as data. Carriers build their subscribers from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.events.base import Message
from libs.messaging.envelope import Envelope
from libs.messaging.topology import EVENTS, ORDERS, Binding, Exchange

__all__ = ["EVENTS", "ORDERS", "Exchange", "Handler", "Route", "check"]

Handler = Callable[[Any, Envelope], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Route:
    """One durable queue of one consumer.

    `queue` is `{consumer}.{subject}`; `patterns` are topic patterns (`order.#`). A message whose type has no handler
    here but is in the catalogue is acknowledged and passed over; a type nobody knows is dead-lettered. With `every`
    set, that handler gets each message as its envelope, undecoded.
    """

    queue: str
    exchange: Exchange
    patterns: tuple[str, ...]
    handlers: Mapping[type[Message], Handler]
    every: Callable[[Envelope], Awaitable[None]] | None = None

    @property
    def binding(self) -> Binding:
        return Binding(self.queue, self.exchange, self.patterns)


def check(routes: Sequence[Route], bindings: Iterable[Binding]) -> None:
    """Raise `ValueError` for a route that the topology does not know: others would publish past its queue."""
    known = {binding.queue: binding for binding in bindings}
    for route in routes:
        if known.get(route.queue) != route.binding:
            raise ValueError(
                f"The route of {route.queue} is {route.binding}, and the topology has {known.get(route.queue)}. "
                "Make both the same in libs/messaging/topology.py."
            )
