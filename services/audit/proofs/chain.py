"""The walk along a book that recomputes every leaf and every block. Pure: it is handed events and blocks in order."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from libs.eventstore.leaves import block_hash
from services.audit.proofs.book import Standing
from services.audit.proofs.kept import BEGINNING, Kept
from services.audit.proofs.tally import Tally
from services.audit.proofs.written import Written, moment


class Block(NamedTuple):
    """A row of `ledger.blocks`; `sealed` is its time as `timestamptz_send` gives it."""

    block: int
    first_position: int
    last_position: int
    sealed: bytes
    previous: bytes
    hash: bytes


Sealed = Callable[[Block, Sequence[bytes]], None]
"""Told of every block that holds, in order, with the leaves of its events, all recorded when it was sealed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, for machines and for people, and the first position (and block) that it concerns."""

    code: str
    text: str
    position: int | None = None
    block: int | None = None


class Broken(Exception):
    """The chain does not hold; what comes after the fault proves nothing."""

    def __init__(self, code: str, text: str, position: int, block: int | None = None) -> None:
        super().__init__(text)
        self.fault = Fault(code, text, position, block)


class Chain:
    """Raises `Broken` at the first event or block that is not what it must be, and sums the postings on its way."""

    def __init__(self, book: int, kept: Kept | None = None, sealed: Sealed | None = None) -> None:
        """Begins at the first event, or after what was `kept` of an earlier walk."""
        self.book = book
        self.position, self.block, self.head = kept.end if kept else BEGINNING
        self.sealed_at = kept.sealed_at if kept else None
        self.closed_before = kept.closed_before if kept else None
        self.tally = Tally(kept.balances if kept else None)
        self._sealed = sealed
        self._coming: deque[Block] = deque()
        self._leaves: list[bytes] = []  # of the block that the walk is in

    @property
    def at_the_end_of_a_block(self) -> bool:
        return not self._leaves

    def expect(self, blocks: Iterable[Block]) -> None:
        """The blocks that come next. They are judged one by one, as the walk comes to each."""
        self._coming.extend(blocks)

    def walk(self, events: Written) -> None:
        """The events that come next, read with this chain's tally; the blocks that cover them are expected already."""
        start = 0
        while start < len(events.positions):
            block = self._current()
            stop = min(start + block.last_position - self.position, len(events.positions))
            self._events(block, events, start, stop)
            if self.position == block.last_position:
                self._seal(self._coming.popleft())
            start = stop
        self.tally.add(events.postings.slots, events.postings.amounts_minor)
        for data in events.locks:
            self.closed_before = _lock(data) or self.closed_before

    def _current(self) -> Block:
        """The block that covers the next event; it must begin where the one before it ended."""
        due = self.position + 1
        if not self._coming:
            raise Broken("unsealed", f"No block covers position {due}.", due)
        block = self._coming[0]
        if block.block != self.block + 1:
            raise Broken("block_missing", f"Block {self.block + 1} is missing.", due, self.block + 1)
        if (not self._leaves and block.first_position != due) or block.last_position < due:
            raise Broken(
                "block_coverage",
                f"Block {block.block} covers {block.first_position} to {block.last_position}, "
                f"the one before it ends at {self.position - len(self._leaves)}.",
                min(block.first_position, due),
                block.block,
            )
        return block

    def _events(self, block: Block, events: Written, start: int, stop: int) -> None:
        due = range(self.position + 1, self.position + 1 + stop - start)
        proper, recorded = events.proper[start:stop], events.recorded[start:stop]
        # As a whole, and one by one only to say which.
        if (
            tuple(events.positions[start:stop]) != tuple(due)
            or list(events.leaves[start:stop]) != proper
            or recorded.count(block.sealed) != len(recorded)
        ):
            rows = zip(due, events.positions[start:stop], events.leaves[start:stop], proper, recorded, strict=True)
            raise next(fault for row in rows if (fault := _fault(block, *row)))
        self._leaves += events.leaves[start:stop]
        self.position += stop - start

    def _seal(self, block: Block) -> None:
        where = (block.first_position, block.block)
        if block.previous != self.head:
            text = f"Block {block.block} does not name the hash of the block before it."
            raise Broken("block_unlinked", text, *where)
        sealed_at = _moment(block)
        if self.sealed_at is not None and sealed_at < self.sealed_at:
            raise Broken("time_runs_back", f"Block {block.block} was sealed before the block before it.", *where)
        proper = block_hash(
            self.head,
            book=self.book,
            block=block.block,
            first_position=block.first_position,
            sealed_at=sealed_at,
            leaves=self._leaves,
        )
        if block.hash != proper:
            raise Broken(
                "block_changed",
                f"The events from {block.first_position} to {block.last_position} do not give the hash of block "
                f"{block.block}: one was changed, swapped, added or taken out.",
                *where,
            )
        if self._sealed:
            self._sealed(block, self._leaves)
        self.block, self.head, self.sealed_at = block.block, block.hash, sealed_at
        self._leaves = []

    def finish(self, book: Standing) -> None:
        """The walk is over; the book must end where it says it ends."""
        if self.position != book.position:
            raise Broken(
                "tail_missing",
                f"The book ends at position {book.position}, its events at {self.position}.",
                self.position + 1,
            )
        if self._leaves:
            block = self._coming[0]
            text = (
                f"Block {block.block} covers positions up to {block.last_position}, the book ends at {self.position}."
            )
            raise Broken("block_coverage", text, self.position, block.block)
        if self.block != book.block or self._coming:
            raise Broken(
                "tail_missing",
                f"The book ends with block {book.block}, its blocks cover positions up to {self.position}.",
                self.position + 1,
            )
        if self.head != book.head or self.sealed_at not in (None, book.sealed_at):
            raise Broken("head_changed", "The book's head is not its last block.", self.position, book.block)


def _fault(block: Block, due: int, position: int, leaf: bytes, proper: bytes | None, recorded: bytes) -> Broken | None:
    where = (due, block.block)
    if position != due:
        return Broken("event_missing", f"Position {due} is missing.", *where)
    if leaf != proper:
        text = f"The fields of the event at position {due} do not give its hash."
        return Broken("event_changed", text, *where)
    if recorded != block.sealed:
        text = f"The event at position {due} was not recorded when its block {block.block} was sealed."
        return Broken("event_moved", text, *where)
    return None


def _moment(block: Block) -> datetime:
    try:
        return moment(block.sealed)
    except OverflowError:
        text = f"Block {block.block} was sealed at no time that there is."
        raise Broken("block_changed", text, block.first_position, block.block) from None


def _lock(data: str) -> datetime | None:
    """The `closed_before` of an event, as `ledger.append` reads it; None where there is none."""
    found = json.loads(data).get("closed_before")
    return found and datetime.fromisoformat(found)
