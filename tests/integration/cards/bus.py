"""Messages between the services of a market: delivered when somebody says so, in any order, and twice if they like."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from libs.messaging.envelope import Envelope
from libs.messaging.middleware import Death, Patience, Reception
from libs.messaging.route import Route
from libs.messaging.topology import BINDINGS, Exchange

PATIENCE = Patience(pause_seconds_min=0.0, pause_seconds_max=0.0)


@dataclass(slots=True)
class Parcel:
    """A message on its way to one queue. Implements `Delivery`."""

    queue: str
    envelope: Envelope
    death: Death | None = None
    done: bool = False

    @property
    def body(self) -> bytes:
        return self.envelope.to_json()

    async def ack(self) -> None:
        self.done = True

    async def requeue(self) -> None:
        self.done = False

    async def bury(self, death: Death) -> None:
        self.done, self.death = True, death


@dataclass
class Bus:
    """Implements `Sender` over the system's own topology. With `shuffle`, no order is kept and some come twice."""

    shuffle: random.Random | None = None
    told: list[Envelope] = field(default_factory=list)
    dead: list[Parcel] = field(default_factory=list)
    _receptions: dict[str, Reception] = field(default_factory=dict)
    _waiting: list[Parcel] = field(default_factory=list)

    def connect(self, routes: Iterable[Route]) -> None:
        for route in routes:
            self._receptions[route.queue] = Reception(route, PATIENCE)

    async def publish(self, messages: Sequence[Envelope], exchange: Exchange) -> None:
        for envelope in messages:
            self.told.append(envelope)
            for binding in BINDINGS:
                if binding.takes(exchange, envelope.type) and binding.queue in self._receptions:
                    self._waiting.append(Parcel(binding.queue, envelope))

    async def deliver(self) -> int:
        """Everything that waits now; how many there were."""
        parcels, self._waiting = self._waiting, []
        if self.shuffle:
            parcels += [Parcel(parcel.queue, parcel.envelope) for parcel in parcels if self.shuffle.random() < 0.1]
            self.shuffle.shuffle(parcels)
        for parcel in parcels:
            await self._receptions[parcel.queue].receive(parcel)
            if parcel.death:
                self.dead.append(parcel)
            elif not parcel.done:
                self._waiting.append(parcel)
        return len(parcels)

    def types(self, order_id: str) -> list[str]:
        """What was announced about an order, without versions, in order."""
        return [each.type.rpartition(".")[0] for each in self.told if each.subject == order_id]
