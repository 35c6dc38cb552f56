"""The walk along a book that recomputes every leaf and every block. Pure: it is handed events and blocks in order."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from libs.eventstore.leaves import GENESIS, block_hash, leaf_of_recorded
from libs.eventstore.model import Recorded
from services.audit.proofs.book import Standing, fold


class Block(NamedTuple):
    """A row of `ledger.blocks`."""

    block: int
    first_position: int
    last_position: int
    sealed_at: datetime
    previous: bytes
    hash: bytes


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

    def __init__(self, book: int) -> None:
        self.book = book
        self.position = 0
        self.blocks_announced = 0
        self.positions_announced = 0
        self.balances: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._head = GENESIS
        self._sealed_at: datetime | None = None
        self._coming: deque[Block] = deque()
        self._leaves: list[bytes] = []

    def announce(self, blocks: Iterable[Block]) -> None:
        """The blocks that come next; they must cover all positions, each once."""
        for block in blocks:
            if block.block != self.blocks_announced + 1:
                number = self.blocks_announced + 1
                raise Broken("block_missing", f"Block {number} is missing.", self.positions_announced + 1, number)
            if block.first_position != self.positions_announced + 1 or block.last_position < block.first_position:
                raise Broken(
                    "block_coverage",
                    f"Block {block.block} covers {block.first_position} to {block.last_position}, "
                    f"the one before it ends at {self.positions_announced}.",
                    min(block.first_position, self.positions_announced + 1),
                    block.block,
                )
            self.blocks_announced += 1
            self.positions_announced = block.last_position
            self._coming.append(block)

    def walk(self, events: Sequence[Recorded]) -> None:
        """The events that come next, none of them beyond the blocks announced."""
        fold(self.balances, ((event.accounts, event.currencies, event.amounts) for event in events))
        start = 0
        while start < len(events):
            if not self._coming:
                raise Broken("unsealed", f"No block covers position {self.position + 1}.", self.position + 1)
            block = self._coming[0]
            stop = start + block.last_position - self.position
            self._events(block, events[start:stop])
            if self.position == block.last_position:
                self._seal(self._coming.popleft())
            start = stop

    def _events(self, block: Block, events: Sequence[Recorded]) -> None:
        for due, event in enumerate(events, self.position + 1):
            if event.position != due:
                raise Broken("event_missing", f"Position {due} is missing.", due, block.block)
            leaf = _leaf(event)
            if leaf != event.leaf:
                raise Broken(
                    "event_changed",
                    f"The fields of the event at position {due} do not give its hash.",
                    due,
                    block.block,
                )
            if event.recorded_at != block.sealed_at:
                raise Broken(
                    "event_moved",
                    f"The event at position {due} was not recorded when its block {block.block} was sealed.",
                    due,
                    block.block,
                )
            self._leaves.append(leaf)
        self.position += len(events)

    def _seal(self, block: Block) -> None:
        if block.previous != self._head:
            raise Broken(
                "block_unlinked",
                f"Block {block.block} does not name the hash of the block before it.",
                block.first_position,
                block.block,
            )
        if self._sealed_at is not None and block.sealed_at < self._sealed_at:
            raise Broken(
                "time_runs_back",
                f"Block {block.block} was sealed before the block before it.",
                block.first_position,
                block.block,
            )
        proper = block_hash(
            self._head,
            book=self.book,
            block=block.block,
            first_position=block.first_position,
            sealed_at=block.sealed_at,
            leaves=self._leaves,
        )
        if block.hash != proper:
            raise Broken(
                "block_changed",
                f"The events from {block.first_position} to {block.last_position} do not give the hash of block "
                f"{block.block}: one was changed, swapped, added or taken out.",
                block.first_position,
                block.block,
            )
        self._head, self._sealed_at = block.hash, block.sealed_at
        self._leaves = []

    def finish(self, book: Standing) -> None:
        """The walk is over; the book must end where it says it ends."""
        if self.position != book.position:
            raise Broken(
                "tail_missing",
                f"The book ends at position {book.position}, its events at {self.position}.",
                self.position + 1,
            )
        if self.blocks_announced != book.block or self._coming:
            raise Broken(
                "tail_missing",
                f"The book ends with block {book.block}, its blocks cover positions up to {self.positions_announced}.",
                self.position + 1,
            )
        if self._head != book.head or self._sealed_at not in (None, book.sealed_at):
            raise Broken("head_changed", "The book's head is not its last block.", self.position, book.block)


def _leaf(event: Recorded) -> bytes | None:
    try:
        return leaf_of_recorded(event)
    except TypeError:  # an infinite time, which no event can have been stored with
        return None
