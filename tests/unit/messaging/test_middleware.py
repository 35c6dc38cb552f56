from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import structlog

from contracts.events.orders import OrderCancelled
from libs.ledger.errors import Conflict, KeyReused, Rejected, Unavailable, Undecodable
from libs.messaging.envelope import Envelope, wrap
from libs.messaging.middleware import REASON_CHARACTERS_MAX, Death, Patience, Reception
from libs.messaging.route import ORDERS, Handler, Route

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
CANCELLED = OrderCancelled(order_id="order-1", cancelled_by="buyer", reason="changed my mind")
BODY = wrap(CANCELLED, id="1-7", source="/shop", time=NOON, correlationid="c-1").to_json()
QUICK = Patience(pause_seconds_min=0.0, pause_seconds_max=0.0)


@dataclass
class Hand:
    """A delivery that remembers what became of it."""

    body: bytes = BODY
    fate: list[str | Death] = field(default_factory=list)
    lost: bool = False

    async def ack(self) -> None:
        self._end("ack")

    async def requeue(self) -> None:
        self._end("requeue")

    async def bury(self, death: Death) -> None:
        self._end(death)

    def _end(self, fate: str | Death) -> None:
        if self.lost and fate != "requeue":
            raise Unavailable("The broker does not answer.")
        self.fate.append(fate)


def _reception(handler: Handler, patience: Patience = QUICK) -> Reception:
    return Reception(Route("shop.orders", ORDERS, ("order.#",), {OrderCancelled: handler}), patience)


class Failing:
    def __init__(self, error: Exception, times: int) -> None:
        self.tries = 0
        self._error = error
        self._times = times

    async def __call__(self, _message: OrderCancelled, _envelope: Envelope) -> None:
        self.tries += 1
        if self.tries <= self._times:
            raise self._error


async def test_what_was_handled_is_acknowledged_after_the_handler_and_once() -> None:
    order: list[str] = []

    async def handle(_message: OrderCancelled, _envelope: Envelope) -> None:
        assert hand.fate == []
        order.append("handled")

    hand = Hand()
    await _reception(handle).receive(hand)
    assert order == ["handled"]
    assert hand.fate == ["ack"]


@pytest.mark.parametrize(
    ("error", "tries", "fate"),
    [
        (Rejected("No.", code="no"), 1, Death("no", "No.", "order.cancelled.v1")),
        (Undecodable("What?"), 1, Death("undecodable", "What?", "order.cancelled.v1")),
        (KeyReused("Again?"), 1, Death("key_reused", "Again?", "order.cancelled.v1")),
        (Conflict("Busy."), QUICK.conflicts_max, "requeue"),
        (Unavailable("Away."), QUICK.outages_max, "requeue"),
        (KeyError("seller"), QUICK.defects_max, Death("defect", "KeyError: 'seller'", "order.cancelled.v1")),
    ],
)
async def test_each_kind_of_failure_has_its_own_end(error: Exception, tries: int, fate: str | Death) -> None:
    failing, hand = Failing(error, 1_000), Hand()
    await _reception(failing).receive(hand)
    assert failing.tries == tries
    assert hand.fate == [fate]


@pytest.mark.parametrize("error", [Conflict("Busy."), Unavailable("Away."), KeyError("x")])
async def test_a_failure_that_passes_is_forgotten(error: Exception) -> None:
    failing, hand = Failing(error, 2), Hand()
    await _reception(failing).receive(hand)
    assert hand.fate == ["ack"]


def test_the_pauses_grow_to_a_limit_and_outlast_a_ten_second_outage() -> None:
    patience = Patience()
    pauses = [patience.pause_seconds(attempt) for attempt in range(1, patience.outages_max)]
    assert sum(pauses) > 15
    assert max(pauses) <= patience.pause_seconds_max
    # RabbitMQ takes a message away from whoever holds it for half an hour.
    assert patience.outages_max * patience.pause_seconds_max < 1_800 / 2


async def test_a_dead_letter_that_cannot_be_stored_goes_back() -> None:
    hand = Hand(lost=True)
    await _reception(Failing(Rejected("No."), 1)).receive(hand)
    assert hand.fate == ["requeue"]


async def test_an_acknowledgement_that_finds_nobody_is_no_failure_of_the_handler() -> None:
    failing, hand = Failing(KeyError("never"), 0), Hand(lost=True)
    await _reception(failing).receive(hand)
    assert failing.tries == 1
    assert hand.fate == []


async def test_a_cancelled_handler_leaves_its_message_alone() -> None:
    begun = asyncio.Event()

    async def hang(_message: OrderCancelled, _envelope: Envelope) -> None:
        begun.set()
        await asyncio.Event().wait()

    hand = Hand()
    task = asyncio.create_task(_reception(hang).receive(hand))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert hand.fate == []


async def test_a_very_long_reason_is_cut() -> None:
    hand = Hand()
    await _reception(Failing(Rejected("No. " * 10_000), 1)).receive(hand)
    [death] = hand.fate
    assert isinstance(death, Death)
    assert len(death.reason) == REASON_CHARACTERS_MAX


async def test_a_handlers_log_lines_carry_the_messages_ids_and_the_next_ones_do_not() -> None:
    bound: dict[str, object] = {}

    async def handle(_message: OrderCancelled, _envelope: Envelope) -> None:
        bound.update(structlog.contextvars.get_contextvars())

    await asyncio.create_task(_reception(handle).receive(Hand()))
    assert bound == {
        "queue": "shop.orders",
        "message_id": "1-7",
        "message_type": "order.cancelled.v1",
        "correlation_id": "c-1",
    }
    assert "message_id" not in structlog.contextvars.get_contextvars()


async def test_bytes_that_are_no_message_are_buried_without_a_type() -> None:
    hand = Hand(b"nonsense")
    await asyncio.create_task(_reception(Failing(KeyError("never"), 0)).receive(hand))
    [death] = hand.fate
    assert isinstance(death, Death)
    assert (death.code, death.type) == ("undecodable", None)
