"""Closing and reopening months."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from libs.eventstore.codec import Codec
from libs.eventstore.execute import Executor, Step
from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Appended, Change, Key, Meta, Moved, Unit, stream_name
from libs.ledger.decider import Event
from libs.ledger.errors import Corrupt, Rejected
from services.audit.domain import months
from services.audit.domain.periods import EVENTS, PERIODS, Close, Command, Reopen, Seal, periods_id
from services.audit.domain.sheet import BalancesSealed, Line, parts, sheet_id, totals


class Turnovers(Protocol):
    """What the events come to; both read the whole book."""

    async def first_month(self) -> str | None:
        """The month of the earliest effective time that anything was posted with."""

    async def of_month(self, month: str, through: int) -> Sequence[Line]:
        """Every account's month by effective time, from the events up to a position, by currency and account."""


class Periods:
    """Takes a ledger whose role may write streams of kind `period`.

    `meta` says who and why; both commands ask for a reason. They raise `Rejected` with the codes of
    `services.audit.domain.periods` and `months`, or `reason_missing`, and what `Executor.run` raises.
    """

    def __init__(self, ledger: Ledger, turnovers: Turnovers, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._codec = Codec[Event](EVENTS)
        self._executor = Executor(ledger.writer, self._codec)
        self._turnovers = turnovers
        self._clock = clock
        self._stream_id = periods_id(ledger.store.book)

    async def close(self, month: str, meta: Meta, key: Key | None = None) -> None:
        """Close a month and seal its balances. Again it changes nothing, but finishes a sealing that was cut short.

        First the lock, then the balances: once `PeriodClosed` is in the log, nothing can be posted into the month, so
        what is summed up afterwards is final, however long it takes and however often it is begun anew.
        """
        months.parse(month)
        state = await self._executor.state(PERIODS, self._stream_id)
        first = None if state.open_from else await self._turnovers.first_month()
        await self._run(Close(month=month, first_posted=first, at=self._clock()), meta, key)
        state = await self._executor.state(PERIODS, self._stream_id)
        period = state.periods.get(month)  # of a repeated request, the month may be open again
        if period is not None and period.status == "closed":
            await self._seal(month, period.closing, meta)

    async def reopen(self, month: str, meta: Meta, key: Key | None = None) -> None:
        """Let postings into the month that was closed last."""
        await self._run(Reopen(month=months.parse(month), at=self._clock()), meta, key)

    async def _seal(self, month: str, closing: int, meta: Meta) -> None:
        position = await self._ledger.feed.head()  # after the lock: all that will ever be in the month is before it
        lines = await self._turnovers.of_month(month, position)
        listed = list(parts(lines))
        for number, part in enumerate(listed, 1):
            await self._list(
                BalancesSealed(
                    at=self._clock(), month=month, closing=closing, part=number, parts=len(listed), lines=part
                ),
                meta,
            )
        seal = Seal(
            month=month,
            closing=closing,
            position=position,
            parts=len(listed),
            lines=len(lines),
            totals=totals(lines),
            at=self._clock(),
        )
        await self._run(seal, meta)

    async def _list(self, part: BalancesSealed, meta: Meta) -> None:
        """Store a part unless it is there: its stream is written in order, and always comes out the same."""
        stream = stream_name(PERIODS.kind, sheet_id(self._ledger.store.book, part.month, part.closing))
        outcome = await self._ledger.writer.append(
            Unit([Change(stream, part.part - 1, [self._codec.encode(part)])], meta)
        )
        if not isinstance(outcome, Appended | Moved):
            raise Corrupt(f"Part {part.part} of the balances of {part.month} was not stored: {outcome}.")

    async def _run(self, command: Command, meta: Meta, key: Key | None = None) -> None:
        if not (meta.reason or "").strip():
            raise Rejected("Say why: closing and reopening a month take a reason.", code="reason_missing")
        await self._executor.run(Step(PERIODS, self._stream_id, command), meta=meta, key=key)
