"""A stretch of one account's entries, in the order of one of the two clocks, with the balance at any place in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from libs.ledger.errors import NotFound, Rejected
from services.audit.reports.accounts import LINE_MAX, Account, balance_through
from services.audit.reports.moments import SQL

Query = tuple[str, tuple[Any, ...]]
_POSITION_MAX: Final = 2**63 - 1


class Place(NamedTuple):
    """An entry's place: its event's position and which of the postings it is. Written `120.2`."""

    position: int
    line: int

    def __str__(self) -> str:
        return f"{self.position}.{self.line}"


def place_of(text: str) -> Place:
    """Raises `Rejected` (`bad_place`)."""
    position, dot, line = text.partition(".")
    if not (dot and text.isascii() and position.isdigit() and line.isdigit() and int(line) <= LINE_MAX):
        raise Rejected(f"{text!r} is not a place in a statement; take `next` of the page before.", code="bad_place")
    return Place(int(position), int(line))


@dataclass(frozen=True, slots=True)
class LogSpan:
    """In the order of recording: after one position, through another. Every balance is one probe of the index."""

    ledger: Ledger
    account: Account
    after: int
    through: int

    async def opening(self) -> int:
        return await balance_through(self.ledger, self.account, self.after)

    async def closing(self) -> int:
        return await balance_through(self.ledger, self.account, self.through)

    async def balance_at(self, place: Place) -> int:
        return await balance_through(self.ledger, self.account, place.position, place.line)

    async def entries(self, after: Place | None, limit: int) -> Query:
        """The statement, with its arguments, that reads the entries after a place in order."""
        book, (position, line) = self.ledger.store.book, after or Place(self.after, LINE_MAX)
        arguments = (book, self.account.name, self.account.currency, position, line, self.through, limit)
        return SQL.entries_by_log, arguments


@dataclass(frozen=True, slots=True)
class EffectSpan:
    """In the order of taking effect: from one time to another, of what was recorded up to position `known`.

    Late entries change what comes after them, so no running balance is stored: balances are sums over the entries.
    """

    ledger: Ledger
    account: Account
    known: int
    start: datetime
    end: datetime

    async def opening(self) -> int:
        return await self._sum(self.start, Place(0, 0))  # positions begin at 1: nothing at `start` itself

    async def closing(self) -> int:
        return await self._sum(self.end, Place(_POSITION_MAX, LINE_MAX))

    async def balance_at(self, place: Place) -> int:
        return await self._sum(await self._effective_at(place), place)

    async def entries(self, after: Place | None, limit: int) -> Query:
        """As in `LogSpan`. Raises `NotFound` (`unknown_place`)."""
        place = after or Place(0, 0)
        since = await self._effective_at(after) if after else self.start
        account = (self.ledger.store.book, self.account.name, self.account.currency)
        return SQL.entries_by_effect, (*account, self.known, since, *place, self.end, limit)

    async def _sum(self, through: datetime, place: Place) -> int:
        arguments = (self.account.name, self.account.currency, self.known, through, *place)
        with availability():
            return await self.ledger.pool.fetchval(SQL.balance_by_effect, *arguments) or 0

    async def _effective_at(self, place: Place) -> datetime:
        with availability():
            found: datetime | None = await self.ledger.pool.fetchval(
                SQL.effective_at, self.account.name, self.account.currency, *place
            )
        if found is None:
            raise NotFound(f"{self.account.name} has no entry at {place}.", code="unknown_place")
        return found


Span = LogSpan | EffectSpan
