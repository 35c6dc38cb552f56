"""A book in memory, sealed as the store seals it, and then tampered with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.eventstore.leaves import GENESIS, block_hash, leaf_of_recorded
from libs.eventstore.model import Recorded
from services.audit.proofs import written
from services.audit.proofs.book import Standing
from services.audit.proofs.chain import Block, Broken, Chain
from services.audit.proofs.kept import Kept, Mark
from tests.unit.audit.rows import FOREVER, row, sent

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SIZES = (3, 1, 4, 2)
LAST = sum(SIZES)


def sealed(sizes: Sequence[int] = SIZES) -> tuple[list[Recorded], list[Block], Standing]:
    events: list[Recorded] = []
    blocks: list[Block] = []
    head, sealed_at = GENESIS, NOON
    for number, size in enumerate(sizes, 1):
        first, sealed_at = len(events) + 1, NOON + timedelta(seconds=number)
        batch = [event(position, sealed_at) for position in range(first, first + size)]
        leaves = [each.leaf for each in batch]
        block = block_hash(head, book=1, block=number, first_position=first, sealed_at=sealed_at, leaves=leaves)
        blocks.append(Block(number, first, first + size - 1, sent(sealed_at), head, block))
        events += batch
        head = block
    return events, blocks, Standing(1, len(events), len(blocks), head, sealed_at, None, {}, ())


def event(position: int, recorded_at: datetime, **fields: Any) -> Recorded:
    made = Recorded(
        book=1,
        position=position,
        stream=f"payment-{position}",
        version=1,
        type="PaymentCaptured",
        schema_version=1,
        recorded_at=recorded_at,
        effective_at=NOON,
        correlation_id="order-1",
        causation_id=None,
        actor="test",
        reason=None,
        accounts=("stripe:platform", "funds:unallocated"),
        currencies=("USD", "USD"),
        amounts=(position, -position),
        data='{"n": 1}',
        leaf=b"",
    )
    made = made._replace(**fields)
    return made._replace(leaf=leaf_of_recorded(made))


def walk(events: Sequence[Recorded], blocks: Sequence[Block], book: Standing, slice_size: int = 4) -> Chain:
    chain = Chain(1)
    chain.expect(blocks)
    for start in range(0, len(events), slice_size):
        chain.walk(written.read(1, list(map(row, events[start : start + slice_size])), chain.tally))
    chain.finish(book)
    return chain


def fault(events: Sequence[Recorded], blocks: Sequence[Block], book: Standing) -> tuple[str, int | None, int | None]:
    with pytest.raises(Broken) as broken:
        walk(events, blocks, book)
    found = broken.value.fault
    return found.code, found.position, found.block


@given(st.lists(st.integers(1, 9), min_size=1, max_size=9), st.integers(1, 50))
def test_what_the_store_sealed_holds_in_slices_of_any_size(sizes: list[int], slice_size: int) -> None:
    chain = walk(*sealed(sizes), slice_size=slice_size)
    total = sum(range(sum(sizes) + 1))
    assert chain.tally.balances == {("stripe:platform", "USD"): total, ("funds:unallocated", "USD"): -total}


def test_an_empty_book_holds() -> None:
    walk([], [], Standing(1, 0, 0, GENESIS, NOON, None, {}, ()))


CHANGES: dict[str, Any] = {
    "stream": "payment-x",
    "version": 2,
    "type": "PaymentRefunded",
    "schema_version": 2,
    "effective_at": NOON + timedelta(microseconds=1),
    "correlation_id": None,
    "causation_id": "",
    "actor": "tesst",
    "reason": "",
    "accounts": ("stripe:platform", "escrow:held"),
    "currencies": ("USD", "EUR"),
    "amounts": (6, -6),
    "data": '{"n":1}',
    "leaf": bytes(32),
}


@pytest.mark.parametrize("field", CHANGES)
@pytest.mark.parametrize("position", [1, 5, LAST])
def test_a_changed_field_is_found_at_its_position(field: str, position: int) -> None:
    events, blocks, book = sealed()
    events[position - 1] = events[position - 1]._replace(**{field: CHANGES[field]})
    code, at, _ = fault(events, blocks, book)
    assert (code, at) == ("event_changed", position)


def test_every_field_that_a_leaf_covers_is_among_the_changes() -> None:
    # An event of another book is none of this one: it is not read at all, and its position is missing.
    assert {*CHANGES, "book", "position", "recorded_at"} == set(Recorded._fields)


@pytest.mark.parametrize("field", sorted(CHANGES.keys() - {"leaf"}))
def test_a_changed_field_with_its_hash_made_good_is_found_by_its_block(field: str) -> None:
    events, blocks, book = sealed()
    forged = events[4]._replace(**{field: CHANGES[field]})
    events[4] = forged._replace(leaf=leaf_of_recorded(forged))
    assert fault(events, blocks, book) == ("block_changed", 5, 3)


def test_a_changed_block_with_its_hash_made_good_is_found_by_the_next() -> None:
    events, blocks, book = sealed()
    events[3] = event(4, events[3].recorded_at, actor="forger")
    blocks[1] = blocks[1]._replace(
        hash=block_hash(
            blocks[1].previous,
            book=1,
            block=2,
            first_position=4,
            sealed_at=events[3].recorded_at,
            leaves=[events[3].leaf],
        )
    )
    assert fault(events, blocks, book) == ("block_unlinked", 5, 3)


def test_a_tail_that_was_sealed_anew_is_found_by_the_head_of_the_book() -> None:
    events, blocks, _ = sealed((3, 1))
    _, _, book = sealed((3, 2))
    assert fault(events, blocks, replace(book, position=4))[:2] == ("head_changed", 4)


def test_an_event_taken_out_is_found_at_its_position() -> None:
    events, blocks, book = sealed()
    del events[5]
    assert fault(events, blocks, book) == ("event_missing", 6, 3)


def test_an_event_put_in_between_is_found() -> None:
    events, blocks, book = sealed()
    shifted = [each._replace(position=each.position + 1) for each in events[5:]]
    assert fault([*events[:5], event(6, events[5].recorded_at), *shifted], blocks, book)[1] == 5
    assert fault([*events[:5], event(6, NOON), *shifted], blocks, book) == ("event_moved", 6, 3)


def test_events_swapped_within_a_block_are_found_by_it_and_between_blocks_by_their_time() -> None:
    events, blocks, book = sealed()
    swapped = [*events]
    swapped[5], swapped[6] = events[6]._replace(position=6), events[5]._replace(position=7)
    assert fault(swapped, blocks, book) == ("block_changed", 5, 3)
    swapped = [*events]
    swapped[2], swapped[3] = events[3]._replace(position=3), events[2]._replace(position=4)
    assert fault(swapped, blocks, book) == ("event_moved", 3, 1)


def test_a_time_that_nothing_can_have_happened_at_is_a_changed_field() -> None:
    events, blocks, book = sealed()
    events[4] = events[4]._replace(effective_at=FOREVER)
    assert fault(events, blocks, book) == ("event_changed", 5, 3)


@pytest.mark.parametrize("kept", [0, 3, 7, 9])
def test_a_cut_tail_is_found_against_the_book(kept: int) -> None:
    events, blocks, book = sealed()
    assert fault(events[:kept], blocks, book)[:2] == ("tail_missing", kept + 1)


def test_a_tail_that_was_cut_with_its_blocks_is_found_against_the_book() -> None:
    events, blocks, book = sealed()
    assert fault(events[:8], blocks[:3], book)[:2] == ("tail_missing", 9)
    assert fault(events, blocks, replace(book, block=5))[0] == "tail_missing"


def test_events_that_no_block_covers_are_found() -> None:
    events, blocks, book = sealed()
    assert fault(events, blocks[:3], book)[:2] == ("unsealed", 9)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"block": 4}, ("block_missing", 5, 3)),
        ({"first_position": 4}, ("block_coverage", 4, 3)),
        ({"first_position": 6}, ("block_coverage", 5, 3)),
        ({"last_position": 4}, ("block_coverage", 5, 3)),
        ({"last_position": 9}, ("event_moved", 9, 3)),
        ({"sealed": sent(NOON + timedelta(seconds=9))}, ("event_moved", 5, 3)),
        ({"previous": GENESIS}, ("block_unlinked", 5, 3)),
        ({"hash": GENESIS}, ("block_changed", 5, 3)),
    ],
)
def test_a_changed_block_is_found(changes: dict[str, Any], expected: tuple[str, int, int]) -> None:
    events, blocks, book = sealed()
    blocks[2] = blocks[2]._replace(**changes)
    assert fault(events, blocks, book) == expected


def test_time_does_not_run_back() -> None:
    early = NOON - timedelta(days=1)
    events, blocks, _ = sealed((1,))
    late = event(2, early)
    digest = block_hash(blocks[0].hash, book=1, block=2, first_position=2, sealed_at=early, leaves=[late.leaf])
    blocks.append(Block(2, 2, 2, sent(early), blocks[0].hash, digest))
    assert fault([*events, late], blocks, Standing(1, 2, 2, digest, early, None, {}, ())) == ("time_runs_back", 2, 2)


def test_the_head_of_the_book_is_its_last_block() -> None:
    events, blocks, book = sealed()
    for changes in ({"head": GENESIS}, {"sealed_at": NOON}):
        assert fault(events, blocks, replace(book, **changes)) == ("head_changed", LAST, 4)


def test_a_last_block_that_claims_more_than_there_is_is_found() -> None:
    events, blocks, book = sealed()
    blocks[-1] = blocks[-1]._replace(last_position=LAST + 5)
    assert fault(events, blocks, book) == ("block_coverage", LAST, 4)


def test_a_block_sealed_at_no_time_that_there_is_is_found() -> None:
    events, blocks, book = sealed()
    events[3] = events[3]._replace(recorded_at=FOREVER)
    blocks[1] = blocks[1]._replace(sealed=sent(FOREVER))
    assert fault(events, blocks, book) == ("block_changed", 4, 2)


def test_the_first_of_several_faults_is_told_of() -> None:
    events, blocks, book = sealed()
    blocks[3] = blocks[3]._replace(previous=GENESIS)
    events[6] = events[6]._replace(actor="x")
    assert fault(events, blocks, book) == ("event_changed", 7, 3)
    events[2] = events[2]._replace(recorded_at=NOON)
    assert fault(events, blocks, book) == ("event_moved", 3, 1)
    del events[1]
    assert fault(events, blocks, book) == ("event_missing", 2, 1)


def test_the_walk_goes_on_from_what_was_kept_of_it_and_tells_of_each_block_once() -> None:
    events, blocks, book = sealed()
    told: list[tuple[int, list[bytes]]] = []

    def tell(block: Block, leaves: Sequence[bytes]) -> None:
        told.append((block.block, list(leaves)))

    first = Chain(1, sealed=tell)
    first.expect(blocks[:2])
    first.walk(written.read(1, list(map(row, events[:4])), first.tally))
    mark = Mark(first.position, first.block, first.head)
    kept = Kept(1, [mark], first.sealed_at, first.closed_before, first.tally.balances, None)
    second = Chain(1, kept, tell)
    second.expect(blocks[2:])
    second.walk(written.read(1, list(map(row, events[4:])), second.tally))
    second.finish(book)
    assert second.tally.balances == walk(events, blocks, book).tally.balances
    assert [number for number, _ in told] == [1, 2, 3, 4]
    assert [leaf for _, leaves in told for leaf in leaves] == [each.leaf for each in events]


def test_the_last_event_that_moves_the_lock_date_counts() -> None:
    def moved(*named: tuple[str, str, str | None]) -> datetime | None:
        lock = [
            event(n, NOON, stream=stream, type=kind, data=json.dumps({"closed_before": until}))
            for n, (stream, kind, until) in enumerate(named, 1)
        ]
        leaves = [each.leaf for each in lock]
        digest = block_hash(GENESIS, book=1, block=1, first_position=1, sealed_at=NOON, leaves=leaves)
        block = Block(1, 1, len(lock), sent(NOON), GENESIS, digest)
        return walk(lock, [block], Standing(1, len(lock), 1, digest, NOON, None, {}, ())).closed_before

    october, november = "2026-10-01T00:00:00Z", "2026-11-01T00:00:00+00:00"
    assert moved(("payment-1", "PeriodClosed", october), ("period-1", "PeriodNoted", october)) is None
    closed, reopened = ("period-1", "PeriodClosed", november), ("period-1", "PeriodReopened", october)
    assert moved(closed) == datetime.fromisoformat(november)
    assert moved(closed, reopened) == datetime.fromisoformat(october)
    assert moved(closed, ("period-1", "PeriodReopened", None)) == datetime.fromisoformat(november)
