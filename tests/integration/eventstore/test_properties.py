"""The store does what a model of forty lines does, whatever it is asked, by however many at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings

from libs.eventstore.feed import Feed
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Appended, Meta, Moved, NewEvent, Short
from libs.eventstore.store import Store
from libs.eventstore.writer import Writer
from services.audit.proofs.verify import verify
from tests.integration.eventstore.clients import Attempt, client, hammer, hammer_apart
from tests.integration.eventstore.model_store import Entry, Model, told
from tests.integration.eventstore.strategies import BATCHES, Draft

_books = count(2)
_BOUNDED = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # a book of its own for each example, one database
)


async def _new_book(ledger: Ledger) -> Ledger:
    book = next(_books)
    await ledger.pool.execute("insert into ledger.books (book) values ($1)", book)
    store = Store(ledger.pool, book)
    return Ledger(ledger.pool, store, Writer(store), Feed(ledger.pool, book))


def _apart(batch: Sequence[Draft]) -> list[Draft]:
    """Of drafts that may not share a call, the first."""
    taken: set[str] = set()
    kept: list[Draft] = []
    for draft in batch:
        if taken.isdisjoint(draft.names):
            taken |= draft.names
            kept.append(draft)
    return kept


async def _assert_is(ledger: Ledger, model: Model) -> None:
    """Every row of the book is what the model says, and the chain holds."""
    events, through = await ledger.feed.read(0)
    assert through == len(model.log)
    assert [e.position for e in events] == list(range(1, through + 1))
    for stored, entry in zip(events, model.log, strict=True):
        sent = NewEvent(stored.type, stored.data, stored.effective_at, stored.postings, stored.schema_version)
        meta = Meta(stored.actor, stored.reason, stored.correlation_id, stored.causation_id)
        assert Entry(stored.stream, stored.version, sent, meta) == entry
    assert {key: minor for key, minor in (await ledger.store.balances()).items() if minor} == {
        key: minor for key, minor in model.balances.items() if minor
    }
    keys = await ledger.pool.fetch("select * from ledger.keys where book = $1", ledger.store.book)
    assert {
        row["key"]: (row["fingerprint"], range(row["first_position"], row["last_position"] + 1)) for row in keys
    } == model.keys
    assert (await verify(ledger)).faults == []


@_BOUNDED
@given(batches=BATCHES)
async def test_every_outcome_and_every_row_is_the_models(ledger: Ledger, batches: list[list[Draft]]) -> None:
    one, model = await _new_book(ledger), Model()
    edges = [0]
    for batch in map(_apart, batches):
        units = [draft.unit(model.versions.__getitem__) for draft in batch]
        outcomes = await one.store.append(units)
        assert len(outcomes) == len(units)
        for unit, outcome in zip(units, outcomes, strict=True):
            assert told(outcome) in model.answers(unit)
            if isinstance(outcome, Appended):
                model.append(unit)
        edges.append(len(model.log))
    await _assert_is(one, model)
    blocks = await one.pool.fetch("select * from ledger.blocks where book = $1 order by block", one.store.book)
    assert [row["block"] for row in blocks] == list(range(1, len(blocks) + 1))
    ends = [0, *(row["last_position"] for row in blocks)]
    assert [row["first_position"] for row in blocks] == [end + 1 for end in ends[:-1]]
    assert set(edges) <= set(ends), "a block never reaches from one batch into the next"


@_BOUNDED
@given(drafts=BATCHES.map(lambda batches: [draft for batch in batches for draft in batch]))
async def test_group_commit_gives_each_of_its_callers_an_outcome_of_some_order(
    ledger: Ledger, drafts: list[Draft]
) -> None:
    """All at once through the writer, streams and keys in common: what came of it must be explicable one by one."""
    one = await _new_book(ledger)
    units = [draft.unit(lambda _: 0) for draft in drafts]
    outcomes = await asyncio.gather(*map(one.writer.append, units), return_exceptions=True)
    head = await one.feed.head()
    made = [
        Attempt(0, unit, outcome, head)
        for unit, outcome in zip(units, outcomes, strict=True)
        if not isinstance(outcome, BaseException)
    ]
    refused = [getattr(o, "code", o) for o in outcomes if isinstance(o, BaseException)]
    assert set(refused) <= {"unbalanced", "unknown_account"}
    await _assert_is(one, _explained(made))


def _could_be_told(attempt: Attempt, model: Model) -> bool:
    """The balance that goes with a shortage is read after the refusal, and may have changed by then."""
    answers = model.answers(attempt.unit)
    if isinstance(attempt.outcome, Short):
        short = attempt.outcome.account, attempt.outcome.currency
        return short in {(each.account, each.currency) for each in answers if isinstance(each, Short)}
    return told(attempt.outcome) in answers


def _explained(made: Sequence[Attempt]) -> Model:
    """Replay the log through a model: each unit landed where it could, and each that did not land was told something
    that was so at a moment between its asking and its answer (the history is strictly serialisable).
    """
    landed = {a.outcome.positions[0]: a for a in made if isinstance(a.outcome, Appended)}
    waiting = [a for a in made if not isinstance(a.outcome, Appended)]
    model = Model()
    while True:
        now = len(model.log)
        waiting = [a for a in waiting if not (a.before <= now <= a.after and _could_be_told(a, model))]
        if now + 1 not in landed:
            break
        attempt = landed.pop(now + 1)
        assert attempt.outcome in model.answers(attempt.unit)
        assert attempt.before <= now < attempt.after
        model.append(attempt.unit)
    assert not landed, "a gap between positions"
    assert waiting == [], "told what never was so"
    return model


@pytest.fixture
async def other(every_database_url: str) -> AsyncIterator[Ledger]:
    """A second pool on the same book."""
    async with open_ledger(every_database_url, None) as opened:
        yield opened


async def test_what_several_processes_and_pools_do_at_once_could_have_been_done_in_turn(
    ledger: Ledger, other: Ledger, every_database_url: str
) -> None:
    async with AsyncExitStack() as stack:
        apart = [
            await stack.enter_async_context(client(hammer_apart, every_database_url, seed, 4, 25)) for seed in (1, 2)
        ]
        assert [await each.hears() for each in apart] == ["ready", "ready"]
        for each in apart:
            each.tell("go")
        here = await asyncio.gather(*(hammer(on, seed, 25) for on in (ledger, other) for seed in range(10, 14)))
        made = [attempt for each in here for attempt in each]
        for each in apart:
            made += await each.hears()
    kinds = {type(attempt.outcome) for attempt in made}
    assert {Appended, Moved, Short} <= kinds, "no contention, no test"
    await _assert_is(ledger, _explained(made))
