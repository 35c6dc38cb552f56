"""Exchanges and queues of the whole system, and which message reaches which queue.

Every process declares all of it before it publishes or consumes: a queue that its consumer had still to declare would
miss what is published before. Queue type and dead-letter exchange are fixed here; limits belong to server policies.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from contracts.events.catalog import EVENTS, ORDERS, Exchange

__all__ = ["BINDINGS", "DEAD", "EVENTS", "EXCHANGES", "ORDERS", "Binding", "Exchange", "dead_queue", "dead_queues"]

DEAD: Final = "holdfast.dead"
EXCHANGES: Final[tuple[Exchange, ...]] = (ORDERS, EVENTS)


@dataclass(frozen=True, slots=True)
class Binding:
    """A durable queue `{consumer}.{subject}` and the topic patterns that lead messages to it."""

    queue: str
    exchange: Exchange
    patterns: tuple[str, ...]

    @property
    def consumer(self) -> str:
        return self.queue.partition(".")[0]

    def takes(self, exchange: Exchange, routing_key: str) -> bool:
        return exchange == self.exchange and any(matches(pattern, routing_key) for pattern in self.patterns)


# Between services a queue takes only the types that are handled, of any version: a delivery that its consumer passes
# over costs the broker as much as any other. Of a shop's `order.#` all is taken, so that an unknown type is kept.
BINDINGS: Final = (
    Binding("payment.orders", ORDERS, ("order.#",)),
    Binding("payment.escrow", EVENTS, ("escrow.refunded.#", "escrow.allocation_refunded.#")),
    Binding("escrow.orders", ORDERS, ("order.#",)),
    Binding(
        "escrow.payments",
        EVENTS,
        ("payment.captured.#", "payment.charged_back.#", "payment.chargeback_closed.#", "payment.fraud_warned.#"),
    ),
    Binding("escrow.transfers", EVENTS, ("transfer.reversed.#",)),
    Binding(
        "payouts.escrow",
        EVENTS,
        (
            "escrow.held.#",
            "escrow.partially_released.#",
            "escrow.released.#",
            "escrow.refunded.#",
            "escrow.allocation_refunded.#",
            "escrow.clawed_back.#",
            "escrow.chargeback_covered.#",
        ),
    ),
    Binding("audit.all", EVENTS, ("#",)),
)


def dead_queue(queue: str) -> str:
    """Where what `queue`'s consumer cannot handle waits for a person."""
    return f"{queue.partition('.')[0]}.dead"


def dead_queues(bindings: Iterable[Binding]) -> list[str]:
    return sorted({dead_queue(binding.queue) for binding in bindings})


def queue_arguments(queue: str) -> dict[str, Any]:
    """Of a consumer's queue. `at-least-once` keeps what the broker itself dead-letters until the dead queue has it;
    RabbitMQ allows that only together with `reject-publish`.
    """
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": DEAD,
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def dead_queue_arguments() -> dict[str, Any]:
    """Of a dead queue. RabbitMQ 4 drops a message at its 20th return unless told otherwise, and every look at a dead
    letter returns it; -1 would lift the limit there but is refused by RabbitMQ 3.
    """
    return {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}


@lru_cache(maxsize=4096)
def matches(pattern: str, routing_key: str) -> bool:
    """Whether a topic exchange leads this key to a queue bound with this pattern.

    Words are separated by dots; `*` stands for one word, `#` for any number, none included (AMQP 0-9-1, 3.1.3.3).
    """
    return _match(_words(pattern), _words(routing_key))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()


def _match(pattern: tuple[str, ...], words: tuple[str, ...]) -> bool:
    if not pattern:
        return not words
    first, rest = pattern[0], pattern[1:]
    if first == "#":
        return any(_match(rest, words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and first in {"*", words[0]} and _match(rest, words[1:])
