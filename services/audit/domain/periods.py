"""Months are closed in order, sealed, and at need reopened from the last one on.

The lock itself is the store's: it refuses what posts with an effective time before the `closed_before` of the book's
last `PeriodClosed` or `PeriodReopened`. Decided here is which of these may come next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal
from uuid import NAMESPACE_OID, UUID, uuid5

from libs.ledger.decider import Decider, Event
from libs.ledger.errors import Rejected
from services.audit.domain import months
from services.audit.domain.sheet import BalancesSealed, Total


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodClosed(Event):
    """Nothing may be posted any more with an effective time before `closed_before`, the first instant after the month.

    `closing` counts the closings of this month. Who did it and why are the stored event's `actor` and `reason`.
    """

    month: str
    closing: int
    closed_before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodSealed(Event):
    """All balances of a closing are listed, `lines` of them in so many `parts` (`BalancesSealed`).

    They come from the events up to `position`, the end of the log after the lock: nothing of the month can be missing.
    """

    month: str
    closing: int
    position: int
    parts: int
    lines: int
    totals: tuple[Total, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodReopened(Event):
    """Postings may again have an effective time from `closed_before` on, the first instant of the month."""

    month: str
    closing: int
    closed_before: datetime


PeriodEvent = PeriodClosed | PeriodSealed | PeriodReopened


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """`first_posted` is the month of the earliest posting; it matters only while no month was ever closed."""

    month: str
    first_posted: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    month: str
    closing: int
    position: int
    parts: int
    lines: int
    totals: tuple[Total, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen:
    month: str
    at: datetime


Command = Close | Seal | Reopen
Status = Literal["closed", "sealed", "reopened"]


@dataclass(frozen=True, slots=True)
class Period:
    """How a month stands that was closed `closing` times; one that never was has none."""

    closing: int
    status: Status

    @property
    def is_closed(self) -> bool:
        return self.status != "reopened"


@dataclass(frozen=True, slots=True)
class State:
    """`open_from` is the first month that is open, None while none was ever closed. All before it are closed."""

    periods: Mapping[str, Period] = field(default_factory=lambda: MappingProxyType({}))
    open_from: str | None = None


def decide(command: Command, state: State) -> Sequence[PeriodEvent]:
    match command:
        case Close():
            return _close(command, state)
        case Seal():
            return _seal(command, state)
        case Reopen():
            return _reopen(command, state)


def _close(command: Close, state: State) -> Sequence[PeriodClosed]:
    """One month at a time, empty ones too: a month that was closed along with another is one that nobody looked at."""
    month, period = command.month, state.periods.get(command.month)
    if period is not None and period.is_closed:
        return ()
    if command.at < months.ends_at(month):
        raise Rejected(
            f"{month} has not ended; close it after {months.ends_at(month).isoformat()}.",
            code="period_not_ended",
            month=month,
        )
    due = state.open_from or command.first_posted
    if due is None:
        raise Rejected("Nothing was ever posted in this book; there is no month to close.", code="nothing_posted")
    if month != due:
        raise Rejected(
            f"Months are closed in order, and {due} is the first that is open: "
            f"close it with `holdfast audit close-month {due} --reason ...`.",
            code="period_out_of_order",
            month=month,
            due=due,
        )
    closing = period.closing + 1 if period else 1
    return (PeriodClosed(at=command.at, month=month, closing=closing, closed_before=months.ends_at(month)),)


def _seal(command: Seal, state: State) -> Sequence[PeriodSealed]:
    period = state.periods.get(command.month)
    if period == Period(command.closing, "sealed"):
        return ()
    if period != Period(command.closing, "closed"):
        raise Rejected(
            f"{command.month} was reopened while its balances were being sealed; close it again when it is complete.",
            code="period_reopened",
            month=command.month,
        )
    return (
        PeriodSealed(
            at=command.at,
            month=command.month,
            closing=command.closing,
            position=command.position,
            parts=command.parts,
            lines=command.lines,
            totals=command.totals,
        ),
    )


def _reopen(command: Reopen, state: State) -> Sequence[PeriodReopened]:
    month, period = command.month, state.periods.get(command.month)
    if state.open_from is None or period is None or not period.is_closed:
        raise Rejected(f"{month} is not closed.", code="period_not_closed", month=month)
    last = months.before(state.open_from)
    if month != last:
        raise Rejected(
            f"Only the month that was closed last can be reopened, and that is {last}: "
            f"reopen it first with `holdfast audit reopen-month {last} --reason ...`.",
            code="later_period_closed",
            month=month,
            last=last,
        )
    return (PeriodReopened(at=command.at, month=month, closing=period.closing, closed_before=months.starts_at(month)),)


def evolve(state: State, event: PeriodEvent) -> State:
    match event:
        case PeriodClosed(month=month):
            return _now(state, event, "closed", open_from=months.after(month))
        case PeriodSealed():
            return _now(state, event, "sealed", open_from=state.open_from)
        case PeriodReopened(month=month):
            return _now(state, event, "reopened", open_from=month)


def _now(state: State, event: PeriodEvent, status: Status, *, open_from: str | None) -> State:
    return State({**state.periods, event.month: Period(event.closing, status)}, open_from)


def periods_id(book: int) -> UUID:
    """The stream (kind `period`) in which a book's months are closed and reopened: a handful of events a month."""
    return uuid5(NAMESPACE_OID, f"holdfast/period/{book}")


PERIODS: Final = Decider[Command, State, PeriodEvent](
    "period", State(), decide, evolve, (PeriodClosed, PeriodSealed, PeriodReopened)
)
EVENTS: Final = (*PERIODS.events, BalancesSealed)
