"""Which state of the book a report is about.

A book has two clocks: when something was recorded, which only the store decides and which never goes back, and when it
took effect for the business, which may be earlier or later. A question names the one it means. Ends are included: what
was recorded, or took effect, at that very moment counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final, Literal

from libs.eventstore import queries
from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from libs.ledger.errors import NotFound, Rejected

SQL: Final = queries.load(Path(__file__).parents[1] / "sql" / "reports.sql")

Clock = Literal["recorded", "effective"]
Point = int | datetime
"""A position of the log, or the time at which something was recorded."""

BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
END: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """What was recorded up to `recorded`, and of that what took effect by `effective`; None: everything there is.

    Both together ask what was known at one time about another.
    """

    recorded: Point | None = None
    effective: datetime | None = None

    @property
    def now(self) -> bool:
        return self.recorded is None and self.effective is None


NOW: Final = AsOf()


@dataclass(frozen=True, slots=True)
class Moment:
    """The same, found in a book: the events up to a position, and of these the ones effective by a time."""

    position: int
    effective_by: datetime | None = None


async def resolve(ledger: Ledger, as_of: AsOf = NOW) -> Moment:
    """Raises `NotFound` (`unknown_book`), `Rejected` (`position_ahead`, `time_ahead`)."""
    return Moment(await position_of(ledger, as_of.recorded), as_of.effective)


async def position_of(ledger: Ledger, recorded: Point | None) -> int:
    """The last position recorded by then; 0 before the first. Raises as `resolve`."""
    book = ledger.store.book
    with availability():
        row = await ledger.pool.fetchrow(SQL.head, book)
    if row is None:
        raise NotFound(f"There is no book {book}.", code="unknown_book", book=book)
    head: int = row["position"]
    if recorded is None:
        return head
    if isinstance(recorded, int):
        if not 0 <= recorded <= head:
            raise Rejected(
                f"Book {book} ends at position {head}; ask as of 0 to {head}, not {recorded}.", code="position_ahead"
            )
        return recorded
    if recorded > row["now"]:
        raise Rejected(
            f"Nobody knows yet what will be recorded by {recorded.isoformat()}; it is {row['now'].isoformat()}.",
            code="time_ahead",
        )
    with availability():
        return await ledger.pool.fetchval(SQL.position_at, book, recorded) or 0


async def before(ledger: Ledger, start: Point) -> int:
    """The last position before a period that begins at `start`. Raises as `position_of`."""
    if isinstance(start, int):
        return max(await position_of(ledger, start) - 1, 0)
    return await position_of(ledger, start - timedelta(microseconds=1))  # PostgreSQL's clock ticks in these


def time_of(text: str, *, ends: bool = True) -> datetime:
    """`2026-11-30T12:00:00Z`, or a day: its end where a time `ends` something, else its start. UTC without an offset.

    Raises `Rejected` (`bad_time`).
    """
    try:
        if len(text) == len("2026-11-30"):
            day = datetime.combine(date.fromisoformat(text), time(), UTC)
            return day + timedelta(days=1, microseconds=-1) if ends else day
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise Rejected(f"{text!r} is not a time; write 2026-11-30 or 2026-11-30T12:00:00Z.", code="bad_time") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def point_of(text: str, *, ends: bool = True) -> Point:
    """A position where there are digits only, else a time. Raises as `time_of`."""
    return int(text) if text.isascii() and text.isdigit() else time_of(text, ends=ends)


def asked(position: int | None, recorded: str | None, effective: str | None = None) -> AsOf:
    """The three ways to ask, as commands and requests have them. Raises `Rejected` (`two_moments`, `bad_time`)."""
    if position is not None and recorded is not None:
        raise Rejected("A position and a recorded time both say up to where; give one of them.", code="two_moments")
    recorded_by = time_of(recorded) if recorded is not None else position
    return AsOf(recorded=recorded_by, effective=None if effective is None else time_of(effective))


def between(before: str, after: str | None, by: Clock, effective: str | None) -> tuple[AsOf, AsOf]:
    """Two states on one clock, the later one now unless given. `effective` limits both, by recorded time only.

    Raises `Rejected` (`two_moments`, `bad_time`).
    """
    if by == "effective":
        if effective is not None:
            raise Rejected("By effective time, the two times already say what counts.", code="two_moments")
        return AsOf(effective=time_of(before)), NOW if after is None else AsOf(effective=time_of(after))
    limit = None if effective is None else time_of(effective)
    recorded = None if after is None else point_of(after)
    return AsOf(recorded=point_of(before), effective=limit), AsOf(recorded=recorded, effective=limit)
