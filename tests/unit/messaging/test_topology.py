from __future__ import annotations

import re

import pytest

from contracts.events.catalog import MESSAGES, exchange_of
from libs.messaging.route import Route, check
from libs.messaging.topology import BINDINGS, EVENTS, ORDERS, Binding, dead_queue, dead_queues, matches, queue_arguments


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("order.#", "order.placed.v1", True),
        ("order.#", "order", True),
        ("order.#", "orders.placed.v1", False),
        ("order.*", "order.placed.v1", False),
        ("order.*.v1", "order.placed.v1", True),
        ("#", "", True),
        ("*", "", False),
        ("#.v1", "v1", True),
        ("*.*", "order..v1", False),
        ("order.*.v1", "order..v1", True),
        ("o*", "order", False),
        ("#.#", "a.b.c", True),
    ],
)
def test_a_star_is_one_word_and_a_hash_any_number(pattern: str, key: str, expected: bool) -> None:
    assert matches(pattern, key) is expected


def test_every_message_of_the_catalogue_reaches_somebody() -> None:
    """Publishing is mandatory: a message that no queue takes could never be confirmed."""
    for model in MESSAGES:
        assert [binding for binding in BINDINGS if binding.takes(exchange_of(model), model.type)], model.type


def test_every_queue_is_named_after_its_consumer_and_dies_into_its_dead_queue() -> None:
    assert len({binding.queue for binding in BINDINGS}) == len(BINDINGS)
    for binding in BINDINGS:
        assert re.fullmatch(r"[a-z_]+\.[a-z]+", binding.queue)
        assert binding.queue not in dead_queues(BINDINGS)
        assert dead_queue(binding.queue) == f"{binding.consumer}.dead"
        assert queue_arguments(binding.queue)["x-dead-letter-routing-key"] == binding.queue


@pytest.mark.parametrize(
    "known", [(), (Binding("shop.orders", ORDERS, ("#",)),), (Binding("shop.orders", EVENTS, ("order.#",)),)]
)
def test_a_route_must_be_what_the_topology_says(known: tuple[Binding, ...]) -> None:
    route = Route("shop.orders", ORDERS, ("order.#",), {})
    with pytest.raises(ValueError, match=r"shop\.orders"):
        check([route], known)
    check([route], [*known[1:], route.binding])
