"""Commands against streams: decided on the newest state, stored once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID, uuid4

import pytest

from libs.eventstore.codec import Codec
from libs.eventstore.execute import Derived, Done, Executor, Place, Step
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Key
from libs.ledger import chart
from libs.ledger.decider import Decider, Event
from libs.ledger.errors import Conflict, KeyReused, Overdrawn, Rejected
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


def _seen(up_to: int) -> Count:
    return Count(up_to=9, minor=0) if up_to else Count(up_to=0)


async def test_a_derived_command_follows_from_the_states_of_other_streams(executor: Executor) -> None:
    source, taker = uuid4(), uuid4()
    derived = Derived(COUNTER, taker, _seen, given=(Place(COUNTER, source),))
    with pytest.raises(Rejected, match="counted"):
        await executor.run(derived, meta=META)
    await executor.run(Step(COUNTER, source, Count(9)), meta=META)
    await executor.run(derived, meta=META)
    assert await executor.state(COUNTER, taker) == 1
    assert await executor.state(COUNTER, source) == 1, "it was only looked at"


async def test_a_derived_command_sees_what_the_steps_before_it_did_and_may_be_none(executor: Executor) -> None:
    source, taker = uuid4(), uuid4()
    first = Step(COUNTER, source, Count(9))
    odd = Derived(COUNTER, taker, lambda count: Count(9) if count % 2 else None, given=(Place(COUNTER, source),))
    assert len((await executor.run(first, odd, meta=META)).events) == 2
    assert len((await executor.run(first, odd, meta=META)).events) == 1
    assert await executor.state(COUNTER, taker) == 1


async def test_what_another_stream_allows_is_used_once_however_many_want_it(
    ledger: Ledger, every_database_url: str
) -> None:
    """Of twenty commands, each on a stream of its own, in two processes' worth of executors, five find room."""
    budget = uuid4()

    def attempt(executor: Executor, taker: UUID) -> Coroutine[object, object, Done]:
        take = Derived(COUNTER, taker, lambda used: Count(9) if used < 5 else None, given=(Place(COUNTER, budget),))
        use = Derived(COUNTER, budget, lambda taken: Count(99) if taken else None, given=(Place(COUNTER, taker),))
        return executor.run(take, use, meta=META)

    async with open_ledger(every_database_url, "payment") as other:
        executors = [Executor(each.writer, Codec(COUNTER.events)) for each in (ledger, other)]
        done = await asyncio.gather(*(_patiently(attempt, executors[n % 2], uuid4()) for n in range(20)))
    assert sum(bool(each.events) for each in done) == 5
    assert await executors[0].state(COUNTER, budget) == 5


async def _patiently(
    attempt: Callable[[Executor, UUID], Coroutine[object, object, Done]], executor: Executor, taker: UUID
) -> Done:
    """As a carrier does it: what meets with others too often comes again."""
    while True:
        try:
            return await attempt(executor, taker)
        except Conflict:
            continue


async def test_twenty_who_want_one_stream_stand_in_line_and_none_gives_up(executor: Executor) -> None:
    counter = uuid4()
    await asyncio.gather(*(executor.run(Step(COUNTER, counter, Count(99)), meta=META) for _ in range(20)))
    assert await executor.state(COUNTER, counter) == 20
