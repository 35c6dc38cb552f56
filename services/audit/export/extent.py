"""Which part of a book an export holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from libs.eventstore import queries
from libs.eventstore.leaves import GENESIS
from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from libs.ledger.errors import Corrupt, Rejected
from services.audit.proofs.book import Balances, Standing, standing
from services.audit.reports.moments import Point, before, position_of

SQL: Final = queries.load(Path(__file__).parents[1] / "sql" / "export.sql")


@dataclass(frozen=True, slots=True)
class Extent:
    """Positions `first` to `last` of a book, and the blocks that hold them (the outer two may reach beyond).

    `head` is the hash of the last of these blocks. `live` are the live balances, in an extent that ends where the book
    does.
    """

    book: int
    first: int
    last: int
    blocks: range
    head: bytes
    live: Balances | None

    @property
    def events(self) -> int:
        return self.last - self.first + 1

    @property
    def last_block(self) -> int:
        """0 where there is none."""
        return max(self.blocks.stop - 1, 0)


async def extent(ledger: Ledger, start: Point | None = None, end: Point | None = None) -> Extent:
    """What was recorded from one point to another, both included; without them from the first event to the head.

    Raises `NotFound` (`unknown_book`), `Rejected` (`position_ahead`, `time_ahead`, `empty_range`), `Corrupt`.
    """
    book = await standing(ledger)
    first = 1 if start is None else await before(ledger, start) + 1
    last = book.position if end is None else await position_of(ledger, end)
    if last < first - 1:
        raise Rejected(
            f"The export would begin at position {first} and end at {last}; let it end later or begin earlier.",
            code="empty_range",
        )
    return await _placed(ledger, book, first, last)


async def _placed(ledger: Ledger, book: Standing, first: int, last: int) -> Extent:
    live = book.balances if last == book.position else None
    if last < first:
        return Extent(book.book, first, last, range(0), GENESIS, live)
    with availability():
        row = await ledger.pool.fetchrow(SQL.extent, book.book, first, last)
    if row is None or row["first_block"] is None:
        raise Corrupt(
            f"No block covers position {first if row else last}; `holdfast audit verify` says what is wrong.",
            code="unsealed",
        )
    return Extent(book.book, first, last, range(row["first_block"], row["last_block"] + 1), row["head"], live)
