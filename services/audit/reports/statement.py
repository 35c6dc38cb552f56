"""An account's statement: opening balance, every entry with the balance that it left, closing balance."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from libs.ledger.errors import Rejected
from services.audit.reports.accounts import Account, account_of, known_through
from services.audit.reports.moments import BEGINNING, END, Clock, Point, before, position_of
from services.audit.reports.plain import plain
from services.audit.reports.spans import EffectSpan, LogSpan, Place, Span

READ_ENTRIES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to `end`, both included; None is open. `by` says on which clock.

    Positions are places in the order of recording, so they go with `by="recorded"` alone.
    """

    start: Point | None = None
    end: Point | None = None
    by: Clock = "recorded"


@dataclass(frozen=True, slots=True)
class Entry:
    """One posting on the account. Minor units, debit positive; `balance_minor` is what it left, in this order."""

    position: int
    line: int
    recorded_at: datetime
    effective_at: datetime
    type: str
    stream: str
    correlation_id: str | None
    reason: str | None
    amount_minor: int
    balance_minor: int

    def json(self) -> dict[str, Any]:
        report: dict[str, Any] = plain(self)
        return report


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a statement's entries; `next` is the place after which the following page begins, None on the last."""

    entries: tuple[Entry, ...]
    next: Place | None


@dataclass(frozen=True, slots=True)
class Statement:
    """Of everything recorded up to `position`. Balances in minor units, debit positive.

    The entries are read when they are asked for, since there may be millions.
    """

    account: Account
    period: Period
    position: int
    opening_minor: int
    closing_minor: int
    _span: Span = field(repr=False)

    def json(self, page: Page | None = None) -> dict[str, Any]:
        """The statement's head, and a page of its entries where one is given."""
        head = {
            "account": self.account.name,
            "kind": self.account.kind,
            "currency": self.account.currency,
            "by": self.period.by,
            "from": self.period.start,
            "to": self.period.end,
            "position": self.position,
            "opening_minor": self.opening_minor,
            "closing_minor": self.closing_minor,
        }
        rest = {} if page is None else {"entries": page.entries, "next": None if page.next is None else str(page.next)}
        report: dict[str, Any] = plain(head | rest)
        return report

    async def page(self, after: Place | None, limit: int) -> Page:
        """The entries after a place, or the first ones. Raises `NotFound` (`unknown_place`)."""
        return await self._read(after, limit, await self._span.balance_at(after) if after else self.opening_minor)

    async def entries(self) -> AsyncIterator[Entry]:
        """All entries in flat memory.

        Page by page, since a transaction left open while somebody reads would keep PostgreSQL from cleaning up.
        """
        page = await self._read(None, READ_ENTRIES, self.opening_minor)
        while True:
            for entry in page.entries:
                yield entry
            if page.next is None:
                return
            page = await self._read(page.next, READ_ENTRIES, page.entries[-1].balance_minor)

    async def _read(self, after: Place | None, limit: int, balance_minor: int) -> Page:
        text, arguments = await self._span.entries(after, limit + 1)
        with availability():
            rows = await self._span.ledger.pool.fetch(text, *arguments)
        entries = []
        for row in rows[:limit]:
            balance_minor += row["amount_minor"]
            entries.append(Entry(**row, balance_minor=balance_minor))
        last = Place(entries[-1].position, entries[-1].line) if len(rows) > limit else None
        return Page(tuple(entries), last)


async def statement(
    ledger: Ledger,
    account: str,
    currency: str | None = None,
    period: Period | None = None,
    known: Point | None = None,
) -> Statement:
    """What moved an account in a period, as far as it was `known` at a position or recorded time (None: now).

    Raises what `account_of`, `position_of` and `known_through` raise, and `Rejected` (`from_after_to`, `bad_time`).
    """
    period = period or Period()
    position = await position_of(ledger, known)
    if period.by == "recorded":
        position = min(position, await position_of(ledger, period.end))
    await known_through(ledger, position)
    concerned = await account_of(ledger, account, currency)
    span = await _span(ledger, concerned, period, position)
    return Statement(concerned, period, position, await span.opening(), await span.closing(), span)


async def _span(ledger: Ledger, account: Account, period: Period, position: int) -> Span:
    match period:
        case Period(start=datetime() | None as start, end=datetime() | None as end, by="effective"):
            if start is not None and end is not None and start > end:
                raise _reversed(start, end)
            return EffectSpan(ledger, account, position, start or BEGINNING, end or END)
        case Period(start=start, end=end, by="recorded"):
            after = 0 if start is None else await before(ledger, start)
            if after > position or (start is not None and end is not None and _later(start, end)):
                raise _reversed(start, position if end is None else end)
            return LogSpan(ledger, account, after, position)
    raise Rejected("An effective time is not a position; give times, or ask by recorded.", code="bad_time")


def _later(start: Point, end: Point) -> bool:
    if isinstance(start, int):
        return isinstance(end, int) and start > end
    return isinstance(end, datetime) and start > end


def _reversed(start: Point | None, end: Point) -> Rejected:
    return Rejected(f"The period begins at {start}, which is after its end {end}.", code="from_after_to")
