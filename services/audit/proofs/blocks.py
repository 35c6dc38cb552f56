"""The blocks of a book on their way to the walk, and where they let it pause."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from services.audit.proofs.book import SQL, Standing
from services.audit.proofs.chain import Block
from services.audit.proofs.stream import SLICE_POSITIONS

BLOCKS_AHEAD: Final = 5_000


class Blocks:
    """Reads blocks before the events that they cover, and hands them over. What they say is believed of nothing but the
    length of slices.
    """

    def __init__(self, ledger: Ledger, book: Standing, after: int, expect: Callable[[Sequence[Block]], None]) -> None:
        """The blocks that come after the number `after`."""
        self._ledger = ledger
        self._book = book
        self._expect = expect
        self._read = after
        self._ends: deque[int] = deque()

    async def end(self, after: int) -> int:
        """Where a slice of events ends: with a block if one ends within reach, for only there can a walk be taken up
        again.
        """
        reach = min(after + SLICE_POSITIONS, self._book.position)
        while self._read < self._book.block and not (self._ends and self._ends[-1] >= reach):
            if not await self._more():
                break
        found = after
        while self._ends and self._ends[0] <= reach:
            found = max(found, self._ends.popleft())
        return found if found > after else reach

    async def _more(self) -> bool:
        with availability():
            rows = await self._ledger.pool.fetch(
                SQL.blocks, self._book.book, self._read, self._book.block, BLOCKS_AHEAD
            )
        blocks = [Block(*row) for row in rows]
        if blocks:
            self._expect(blocks)
            self._ends.extend(block.last_position for block in blocks)
            self._read = blocks[-1].block
        return bool(blocks)
