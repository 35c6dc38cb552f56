"""A journal: one transaction for every event that posts, and at the end what every balance must be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import date
from typing import Any, Final

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from services.audit.export.extent import SQL, Extent
from services.audit.export.names import written
from services.audit.export.pieces import Piece, in_order, must_be_whole
from services.audit.export.syntax import Syntax, Transaction
from services.audit.proofs.book import Balances, recomputed
from services.audit.proofs.progress import Progress, quiet

SLICE_POSITIONS: Final = 1_000
"""Writing them takes some ten milliseconds, which is how long a service with other work may be kept from it."""


async def journal(
    ledger: Ledger, syntax: Syntax, extent: Extent, *, progress: Progress = quiet
) -> AsyncGenerator[Piece, None]:
    """The text of a journal, UTF-8. The days are those of the effective times in UTC.

    A journal that begins after position 1 opens with the balances that stood there, so that it ends, like every other,
    with the trial balance as of its last position. One that ends where the book does asserts the live balances: then
    the tool that reads it compares these with the postings. Raises `Rejected` (`unknown_account`, `unknown_currency`)
    for what the chart or the registry no longer has, `Corrupt` where events are missing, and `Unavailable`.
    """
    told = _Told(syntax)
    title = f"Holdfast: book {extent.book}, positions {extent.first} to {extent.last}"
    yield Piece(syntax.head(title).encode(), 0, 0)
    if extent.first > 1:
        yield Piece((await _opening(ledger, told, extent, progress)).encode(), 0, 0)
    starts = range(extent.first, extent.last + 1, SLICE_POSITIONS)
    slices = (range(start, min(start + SLICE_POSITIONS, extent.last + 1)) for start in starts)
    async with aclosing(in_order(_entries(ledger, extent.book, each) for each in slices)) as reads:
        async for rows in reads:
            transactions = told.events(rows)
            read = rows[-1]["position"] + 1 - extent.first
            yield Piece("".join(transactions).encode(), len(transactions), read)
    yield Piece(told.closing(extent.live).encode(), 0, extent.events)


async def _entries(ledger: Ledger, book: int, positions: range) -> Sequence[Any]:
    with availability():
        rows = await ledger.pool.fetch(SQL.entries, book, positions.start, positions.stop - 1)
    must_be_whole("events", positions, len(rows))
    return rows


async def _opening(ledger: Ledger, told: _Told, extent: Extent, progress: Progress) -> str:
    before = extent.first - 1
    balances = await recomputed(ledger, before, progress=progress)
    with availability():
        recorded_at = await ledger.pool.fetchval(SQL.recorded_on, extent.book, before)
    return told.opening(recorded_at.date(), before, balances)


class _Told:
    """What the journal has said so far, and so what must come out of it."""

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax
        self._balances: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._first = date.max
        self._last = date.min

    def opening(self, day: date, before: int, balances: Balances) -> str:
        # All balances sum to zero per currency, so that they open against nothing but each other.
        postings = [(account, code, amount) for (account, code), amount in sorted(balances.items()) if amount]
        return self._told(Transaction(day, "Opening balances", f"after position {before}", {}, postings))

    def events(self, rows: Sequence[Any]) -> list[str]:
        return [self._told(_transaction(*row)) for row in rows if row["accounts"]]

    def _told(self, entry: Transaction) -> str:
        if not entry.postings:
            return ""
        for account, code, amount in entry.postings:
            self._balances[account, code] += amount
        self._first = min(self._first, entry.day)
        self._last = max(self._last, entry.day)
        return self._syntax.transaction(entry)

    def closing(self, live: Balances | None) -> str:
        """Assert the live balances, or without them what was told comes to."""
        if not self._balances:
            return ""
        balances = {key: self._balances[key] if live is None else live.get(key, 0) for key in self._balances}
        return self._syntax.closing(self._first, self._last, balances | (live or {}))


def _transaction(
    position: int,
    kind: str,
    stream: str,
    correlation_id: str | None,
    recorded_at: Any,
    effective_at: Any,
    accounts: Sequence[str],
    currencies: Sequence[str],
    amounts: Sequence[int],
) -> Transaction:
    tags: dict[str, str | int] = {"position": position}
    if correlation_id is not None:
        tags["correlation_id"] = written(correlation_id)
    tags["effective_at"] = effective_at.isoformat()
    tags["recorded_at"] = recorded_at.isoformat()
    postings = list(zip(accounts, currencies, amounts, strict=True))
    return Transaction(effective_at.date(), written(kind), written(stream), tags, postings)
