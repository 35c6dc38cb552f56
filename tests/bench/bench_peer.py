"""The library `eventsourcing` beside us, on the same server in the same run; value is ours, limit is theirs.

What is stored has the same payload. Theirs is an id, a version, a topic and bytes; ours has postings, a key, balances
and hashes as well. First the stores, given what is already encoded, then what an application does with them: commands
one after the other, many new aggregates at once, and the log turned back into domain events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count, islice
from typing import Final
from uuid import uuid4

from eventsourcing.persistence import StoredEvent

from libs.eventstore.codec import Codec
from libs.eventstore.execute import Executor, Step
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.migrate import LEDGER, migrate
from libs.eventstore.model import Appended, Key, Meta, Unit
from libs.ledger import chart
from tests.bench.book import release
from tests.bench.harness import Result, Side, in_turns
from tests.bench.peer import ESCROW, SECTION_EVENTS, Escrow, Opened, Peer, Released, peer_at
from tests.bench.server import tuned_postgres

SINGLES: Final = 200
BATCH: Final = 500
BATCHES: Final = 6
COMMANDS: Final = 150
ROUNDS: Final = 3
META: Final = Meta("/bench")

_numbers = count()


def _units(size: int) -> list[Unit]:
    units = (release(number) for number in islice(_numbers, size))
    return [replace(unit, key=Key(f"order:{uuid4()}", b"f" * 32)) for unit in units]


def _stored(size: int) -> list[StoredEvent]:
    """What `_units` has for data, as the peer stores it."""
    payloads = (unit.changes[0].events[0].data.encode() for unit in _units(size))
    return [StoredEvent(uuid4(), 1, "tests.bench.peer:Escrow.Released", data) for data in payloads]


async def _stores(ledger: Ledger, peer: Peer) -> list[Result]:
    async def append(batches: Sequence[Sequence[Unit]]) -> int:
        for batch in batches:
            assert all(isinstance(outcome, Appended) for outcome in await ledger.store.append(batch))
        return sum(map(len, batches))

    async def insert(batches: Sequence[Sequence[StoredEvent]]) -> int:
        for batch in batches:
            assert len(peer.recorder.insert_events(batch) or ()) == len(batch)
        return sum(map(len, batches))

    single = Side(lambda: [_units(1) for _ in range(SINGLES)], append)
    theirs = Side(lambda: [_stored(1) for _ in range(SINGLES)], insert)
    bulk = Side(lambda: [_units(BATCH) for _ in range(BATCHES)], append)
    their_bulk = Side(lambda: [_stored(BATCH) for _ in range(BATCHES)], insert)
    return [
        await in_turns("peer_append_single", "appends/s", single, theirs, rounds=ROUNDS),
        await in_turns("peer_append_bulk", "entries/s", bulk, their_bulk, rounds=ROUNDS, batch=BATCH),
    ]


async def _reading(ledger: Ledger, peer: Peer) -> Result:
    """The log from its beginning, as stored."""
    ends = (await ledger.feed.head(), peer.recorder.max_notification_id() or 0)
    slices = range(0, min(ends) - SECTION_EVENTS, SECTION_EVENTS)

    async def read(_: None) -> int:
        return sum([len((await ledger.feed.read(after)).events) for after in slices])

    async def select(_: None) -> int:
        recorder = peer.recorder
        return sum(len(recorder.select_notifications(after + 1, SECTION_EVENTS)) for after in slices)

    assert await read(None) == await select(None) == len(slices) * SECTION_EVENTS
    return await in_turns("peer_read", "events/s", Side(_nothing, read), Side(_nothing, select), rounds=ROUNDS)


async def _commands(ledger: Ledger, peer: Peer) -> Result:
    """Load an aggregate, decide, store; one after the other."""
    executor = Executor(ledger.writer, Codec(ESCROW.events))

    async def ours(_: None) -> int:
        for number in range(COMMANDS):
            escrow_id, opened = uuid4(), _opened(number)
            await executor.run(Step(ESCROW, escrow_id, opened), meta=META)
            released = Released(at=opened.at, seller=opened.seller, gross_minor=10_000, commission_minor=2_000)
            await executor.run(Step(ESCROW, escrow_id, released), meta=META)
        return 2 * COMMANDS

    async def theirs(_: None) -> int:
        for number in range(COMMANDS):
            opened = _their_opened(number)
            peer.save(opened)
            escrow: Escrow = peer.repository.get(opened.id)
            escrow.release(gross_minor=10_000, commission_minor=2_000)
            peer.save(escrow)
        return 2 * COMMANDS

    return await in_turns("peer_command", "commands/s", Side(_nothing, ours), Side(_nothing, theirs), rounds=ROUNDS)


async def _many_commands(ledger: Ledger, peer: Peer) -> Result:
    """New aggregates by the batch: theirs in one `save`, ours each by a caller of its own."""
    executor = Executor(ledger.writer, Codec(ESCROW.events))
    batches = [range(first, first + BATCH) for first in range(0, BATCHES * BATCH, BATCH)]

    async def ours(_: None) -> int:
        for numbers in batches:
            steps = (Step(ESCROW, uuid4(), _opened(number)) for number in numbers)
            await asyncio.gather(*(executor.run(step, meta=META) for step in steps))
        return BATCHES * BATCH

    async def theirs(_: None) -> int:
        for numbers in batches:
            peer.save(*map(_their_opened, numbers))
        return BATCHES * BATCH

    ours_and_theirs = Side(_nothing, ours), Side(_nothing, theirs)
    return await in_turns("peer_command_bulk", "commands/s", *ours_and_theirs, rounds=ROUNDS, batch=BATCH)


async def _replaying(ledger: Ledger, peer: Peer, ours_after: int, theirs_after: int) -> Result:
    """The log of those commands, turned back into domain events."""
    codec = Codec(ESCROW.events)

    async def ours(_: None) -> int:
        after, decoded = ours_after, 0
        while (found := await ledger.feed.read(after)).events:
            decoded += len([codec.decode(recorded) for recorded in found.events])
            after = found.through
        return decoded

    async def theirs(_: None) -> int:
        after, decoded = theirs_after, 0
        while found := peer.notification_log.select(after + 1, SECTION_EVENTS):
            decoded += len([peer.mapper.to_domain_event(notification) for notification in found])
            after = found[-1].id
        return decoded

    assert await ours(None) == await theirs(None) == (ROUNDS + 1) * (2 * COMMANDS + BATCHES * BATCH)
    return await in_turns("peer_replay", "events/s", Side(_nothing, ours), Side(_nothing, theirs), rounds=ROUNDS)


def _nothing() -> None: ...


def _opened(number: int) -> Opened:
    name, seller = f"order-{number}", f"seller-{number}"
    return Opened(at=datetime.now(UTC), order_id=name, seller=seller, amount_minor=10_000)


def _their_opened(number: int) -> Escrow:
    return Escrow(order_id=f"order-{number}", seller=f"seller-{number}", amount_minor=10_000)


async def run() -> list[Result]:
    async with tuned_postgres() as server:
        url = await server.create_database("bench")
        await migrate(url, LEDGER)
        async with open_ledger(url, None) as ledger:
            with closing(peer_at(await server.create_database("peer"))) as peer:
                results = [*await _stores(ledger, peer), await _reading(ledger, peer)]
                ends = (await ledger.feed.head(), peer.recorder.max_notification_id() or 0)
                results += [await _commands(ledger, peer), await _many_commands(ledger, peer)]
                results += [await _replaying(ledger, peer, *ends)]
            left_open = (ROUNDS + 1) * BATCHES * BATCH
            assert await ledger.store.balance(chart.ESCROW_HELD, "USD") == -10_000 * left_open
            return results
