"""Topic patterns and routing keys, the usual and the odd: the broker is asked about each pair, and so are we."""

from __future__ import annotations

PATTERNS = (
    "#", "*", "order.#", "order.*", "order.placed.v1", "*.placed.#", "#.v1", "order.*.v1", "#.placed.#", "*.*.*",
    "order.#.v1", "#.#", "*.#", "#.*", "order", "order.", "", "o*", "#.order.#.v1.#",
)  # fmt: skip
KEYS = (
    "order.placed.v1", "order", "order.placed", "payment.captured.v1", "a", "", "order.", ".order", "order..v1",
    "order.placed.extra.v1", "v1", "orders.placed.v1", "o*", "#", ".", "order.order.v1.v1",
)  # fmt: skip
