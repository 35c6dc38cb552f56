"""Commands against streams: decided on the newest state, stored once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import uuid4

import pytest

from libs.eventstore.codec import Codec
from libs.eventstore.execute import Executor, Step
from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Key
from libs.ledger import chart
from libs.ledger.decider import Decider, Event
from libs.ledger.errors import KeyReused, Overdrawn, Rejected
from libs.ledger.journal import Postings, transfer
from tests.integration.eventstore.units import META, NOON


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(Event):
    total: int
    minor: int = 0
    seen: datetime | None = None

    def postings(self) -> Postings:
        if not self.minor:
            return ()
        return transfer("USD", self.minor, debit=chart.FUNDS_UNALLOCATED, credit=chart.ESCROW_HELD)


@dataclass(frozen=True, slots=True)
class Count:
    up_to: int
    minor: int = 0


def _decide(command: Count, state: int) -> Sequence[Counted]:
    if state >= command.up_to:
        raise Rejected("That is counted.", code="counted")
    return [Counted(at=NOON, total=state + 1, minor=command.minor, seen=NOON)]


COUNTER = Decider[Count, int, Counted]("payment", 0, _decide, lambda _, event: event.total, (Counted,))


def _key(value: str, request: bytes = b"same") -> Key:
    return Key(value, sha256(request).digest())


@pytest.fixture
def executor(ledger: Ledger) -> Executor:
    return Executor(ledger.writer, Codec(COUNTER.events))


async def test_concurrent_commands_on_one_stream_all_take_effect_in_turn(executor: Executor) -> None:
    counter = uuid4()
    done = await asyncio.gather(*(executor.run(Step(COUNTER, counter, Count(99)), meta=META) for _ in range(4)))
    assert sorted(event.total for d in done for event in d.events) == [1, 2, 3, 4]  # type: ignore[attr-defined]
    assert await executor.state(COUNTER, counter) == 4


async def test_a_repeated_request_is_a_duplicate_even_when_it_would_now_be_refused(executor: Executor) -> None:
    step = Step(COUNTER, uuid4(), Count(up_to=1))
    first = await executor.run(step, meta=META, key=_key("k"))
    again = await executor.run(step, meta=META, key=_key("k"))
    assert (first.duplicate, again.duplicate) == (False, True)
    with pytest.raises(Rejected, match="counted"):
        await executor.run(step, meta=META, key=_key("another"))


async def test_a_key_with_another_request_behind_it_is_refused(executor: Executor) -> None:
    step = Step(COUNTER, uuid4(), Count(9))
    await executor.run(step, meta=META, key=_key("k"))
    with pytest.raises(KeyReused):
        await executor.run(step, meta=META, key=_key("k", b"other"))


async def test_money_that_is_not_there_is_named(executor: Executor) -> None:
    with pytest.raises(Overdrawn) as refused:
        await executor.run(Step(COUNTER, uuid4(), Count(9, minor=5)), meta=META)
    assert refused.value.fields["account"] == "funds:unallocated"


async def test_two_streams_change_in_one_unit(executor: Executor) -> None:
    a, b = uuid4(), uuid4()
    done = await executor.run(Step(COUNTER, a, Count(9)), Step(COUNTER, b, Count(9)), meta=META)
    assert len(done.events) == len(done.positions) == 2
    with pytest.raises(Rejected):
        await executor.run(Step(COUNTER, a, Count(9)), Step(COUNTER, b, Count(1)), meta=META)
    assert await executor.state(COUNTER, a) == 1
