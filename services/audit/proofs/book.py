"""A book at one moment, and its balances recomputed from its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from libs.eventstore import queries
from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from libs.ledger.errors import Corrupt, NotFound
from services.audit.proofs.progress import Meter, Progress, quiet
from services.audit.proofs.stream import reading
from services.audit.proofs.tally import Tally

SQL: Final = queries.load(Path(__file__).parents[1] / "sql" / "proofs.sql")

Balances = dict[tuple[str, str], int]
"""Minor units by (account, currency), debit positive."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the book says of itself, and its live balances, at one moment.

    `closed_before` is the date before which nothing may be posted, None where there is none. `outside` names events and
    blocks beyond the numbers that the book admits to, (kind, number); there should be none.
    """

    book: int
    position: int
    block: int
    head: bytes
    sealed_at: datetime
    closed_before: datetime | None
    balances: Balances
    outside: Sequence[tuple[str, int]]


async def standing(ledger: Ledger) -> Standing:
    """Read it in one snapshot. Raises `NotFound` (`unknown_book`).

    The events up to its position are then read without a transaction: they cannot change, and a snapshot held for the
    length of a proof would keep PostgreSQL from cleaning up behind the hot balances.
    """
    book = ledger.store.book
    with availability():
        async with (
            ledger.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            row = await connection.fetchrow(SQL.book, book)
            if row is None:
                raise NotFound(f"There is no book {book}.", code="unknown_book", book=book)
            balances = {(account, code): amount for account, code, amount in await connection.fetch(SQL.balances, book)}
            position, block, head, sealed_at, closed_before = row
            outside = [tuple(found) for found in await connection.fetch(SQL.outside, book, position, block)]
            return Standing(book, position, block, head, sealed_at, closed_before, balances, outside)


async def recomputed(ledger: Ledger, through: int, *, progress: Progress = quiet) -> Balances:
    """Every balance from the events up to a position. Memory grows with the accounts, not with the events.

    Raises `Corrupt` (`event_changed`) for postings that no store can have written.
    """
    tally = Tally()
    meter = Meter("balances", through, progress)
    async with reading(ledger, SQL.postings, 0, through) as slices:
        async for rows, reached in slices:
            try:
                tally.add_written(rows)
            except (TypeError, ValueError):
                raise _unwritten(tally, rows) from None
            meter.reached(reached)
    return tally.balances


def _unwritten(tally: Tally, rows: Sequence[Any]) -> Corrupt:
    """The first event of a slice that cannot be added."""
    for row in rows:
        try:
            tally.add_written([row])
        except (TypeError, ValueError):
            break
    return Corrupt(
        f"The postings of the event at position {row[0]} are not what a store writes; "
        "`holdfast audit verify` says more.",
        code="event_changed",
    )


@dataclass(frozen=True, slots=True)
class Deviation:
    """A balance that is not what its postings come to."""

    account: str
    currency: str
    live_minor: int
    recomputed_minor: int

    def __str__(self) -> str:
        return (
            f"{self.account} stands at {self.live_minor} {self.currency} minor units, "
            f"its postings come to {self.recomputed_minor}"
        )


def deviations(live: Mapping[tuple[str, str], int], proper: Mapping[tuple[str, str], int]) -> list[Deviation]:
    """Where the live balances differ from the recomputed ones; an absent balance is zero."""
    return [
        Deviation(account, code, live.get((account, code), 0), proper.get((account, code), 0))
        for account, code in sorted(live.keys() | proper.keys())
        if live.get((account, code), 0) != proper.get((account, code), 0)
    ]
