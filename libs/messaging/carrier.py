"""What carries messages between services. Two implementations, `rabbit` and `local`, judged by the same tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from libs.ledger.errors import Unavailable
from libs.messaging.dead import DeadLetters
from libs.messaging.envelope import Envelope
from libs.messaging.route import Route
from libs.messaging.topology import Exchange


class Sender(Protocol):
    """The half of a carrier that a publisher needs."""

    async def publish(self, messages: Sequence[Envelope], exchange: Exchange) -> None:
        """Hand messages over, in order; returns when every one is stored where it will outlive a crash.

        Raises `Unavailable` when that is not certain, and with code `unroutable` when no queue takes one of them: some
        may have been stored then, so send all of them again.
        """


class Carrier(Sender, Protocol):
    """Carries messages at least once. A consumer may see one twice, and two of them in either order."""

    @property
    def dead(self) -> DeadLetters:
        """What could not be handled and waits for a person."""

    async def start(self, routes: Sequence[Route]) -> None:
        """Begin to consume and return at once, also while the broker is away: `ready` tells when it works."""

    async def stop(self) -> None:
        """Take no more messages, let those in hand finish for a while, close everything. The rest comes again."""

    async def ready(self) -> None:
        """Return if every route is being consumed and publishing is possible; raise `Unavailable` if not."""


def unroutable(routing_key: str | None, exchange: str | None) -> Unavailable:
    """Unavailable and not Rejected: the message is right, and goes through once the queue is there."""
    return Unavailable(
        f"No queue takes {routing_key!r} from the exchange {exchange!r}. Either its queue is missing in "
        "libs/messaging/topology.py, or it was deleted on the broker.",
        code="unroutable",
    )
