"""Months as people see them, read from their stream: there are few, so no read model would be faster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs.eventstore.codec import Codec
from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Recorded, stream_name
from libs.eventstore.pool import availability
from libs.eventstore.store import recorded
from libs.ledger.decider import Event
from libs.ledger.errors import Corrupt, NotFound, Rejected
from services.audit.domain import months
from services.audit.domain.periods import (
    EVENTS,
    PERIODS,
    PeriodClosed,
    PeriodEvent,
    PeriodReopened,
    PeriodSealed,
    Status,
    periods_id,
)
from services.audit.domain.sheet import BalancesSealed, Line, sheet_id
from services.audit.proofs.turnovers import SQL


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did to a month, when and why, where the log has it, and for `sealed` what was sealed."""

    what: Status
    actor: str
    reason: str | None
    at: datetime
    position: int
    sealing: PeriodSealed | None


@dataclass(frozen=True, slots=True)
class Month:
    """A month that was closed `closing` times, at least once, and everything that was done to it."""

    month: str
    status: Status
    closing: int
    deeds: Sequence[Deed]

    def sealed(self, closing: int | None = None) -> PeriodSealed:
        """What was sealed at its last closing, or an earlier one; raises `Rejected` (`period_not_sealed`)."""
        for deed in self.deeds:
            if deed.sealing is not None and deed.sealing.closing == (closing or self.closing):
                return deed.sealing
        raise Rejected(
            f"Closing {closing or self.closing} of {self.month} was not sealed. If the month is still closed, run "
            f"`holdfast audit close-month {self.month} --reason ...` again, which finishes it.",
            code="period_not_sealed",
            month=self.month,
        )


class Views:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._codec = Codec[Event](EVENTS)

    async def all(self) -> list[Month]:
        """Every month that was ever closed, in order."""
        stream = stream_name(PERIODS.kind, periods_id(self._ledger.store.book))
        found: dict[str, Month] = {}
        for stored in (await self._ledger.store.load(stream))[stream]:
            event = self._codec.decode(stored)
            assert isinstance(event, PeriodEvent)  # noqa: S101 - nothing else is written there
            found[event.month] = _went_on(found.get(event.month), event, stored)
        return [found[month] for month in sorted(found)]

    async def one(self, month: str) -> Month:
        """One of them; raises `Rejected` (`bad_month`) and `NotFound` (`period_never_closed`)."""
        months.parse(month)
        for each in await self.all():
            if each.month == month:
                return each
        raise NotFound(
            f"{month} was never closed; `holdfast audit close-month {month} --reason ...` closes it.",
            code="period_never_closed",
            month=month,
        )

    async def part(self, sealing: PeriodSealed, number: int) -> Sequence[Line]:
        """The lines of one part of a sealing, from 1. Raises `NotFound` (`unknown_part`), `Corrupt`."""
        if not 1 <= number <= sealing.parts:
            raise NotFound(
                f"The balances of {sealing.month} have {sealing.parts} parts, not {number}.", code="unknown_part"
            )
        stream = stream_name(PERIODS.kind, sheet_id(self._ledger.store.book, sealing.month, sealing.closing))
        with availability():
            row = await self._ledger.pool.fetchrow(SQL.event, self._ledger.store.book, stream, number)
        event = row and self._codec.decode(recorded(row))
        if not isinstance(event, BalancesSealed):
            raise Corrupt(f"Part {number} of the balances of {sealing.month} is not in the log.", stream=stream)
        return event.lines

    async def lines(self, sealing: PeriodSealed) -> AsyncIterator[Line]:
        """All lines of a sealing, one part in memory at a time."""
        for number in range(1, sealing.parts + 1):
            for line in await self.part(sealing, number):
                yield line


def _went_on(month: Month | None, event: PeriodEvent, stored: Recorded) -> Month:
    sealing = event if isinstance(event, PeriodSealed) else None
    what = _WHAT[type(event)]
    deed = Deed(what, stored.actor, stored.reason, stored.recorded_at, stored.position, sealing)
    return Month(event.month, what, event.closing, (*(month.deeds if month else ()), deed))


_WHAT: Final[Mapping[type[PeriodEvent], Status]] = {
    PeriodClosed: "closed",
    PeriodSealed: "sealed",
    PeriodReopened: "reopened",
}
