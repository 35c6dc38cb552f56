"""A month in figures, from the events: what every account brought into it, moved in it and left it with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from libs.eventstore import queries
from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from services.audit.domain import months
from services.audit.domain.sheet import Line
from services.audit.proofs.progress import Meter, Progress, quiet

SQL: Final = queries.load(Path(__file__).parents[1] / "sql" / "periods.sql")
SLICE_POSITIONS: Final = 20_000
"""Summed up by the database at a time: less than the statements' time limit on any machine, and progress to show."""


class BookTurnovers:
    """Reads the whole log, whose effective times have no index: it is done once a month.

    Memory grows with the accounts, not with the events.
    """

    def __init__(self, ledger: Ledger, progress: Progress = quiet) -> None:
        self._ledger = ledger
        self._progress = progress

    async def first_month(self) -> str | None:
        """The month of the earliest effective time that anything was posted with; None in a book without postings."""
        first: datetime | None = None
        async for [[moment]] in self._slices("first posting", SQL.first_posted, await self._ledger.feed.head()):
            first = min(filter(None, (first, moment)), default=None)
        return months.month_of(first) if first else None

    async def of_month(self, month: str, through: int) -> Sequence[Line]:
        """Every account's month by effective time, from the events up to a position, by currency and account.

        Left out are accounts without balance and turnover.
        """
        sums: dict[tuple[str, str], tuple[int, int, int]] = {}
        bounds = months.starts_at(month), months.ends_at(month)
        async for rows in self._slices(f"turnovers of {month}", SQL.turnovers, through, *bounds):
            for account, currency, opening, debit, credit in rows:
                before = sums.get((currency, account), (0, 0, 0))
                sums[currency, account] = (before[0] + opening, before[1] + debit, before[2] + credit)
        return [_line(*key, *sums[key]) for key in sorted(sums) if any(sums[key])]

    async def _slices(self, what: str, statement: str, through: int, *arguments: Any) -> AsyncIterator[Sequence[Any]]:
        meter = Meter(what, through, self._progress)
        for after in range(0, through, SLICE_POSITIONS):
            end = min(after + SLICE_POSITIONS, through)
            with availability():
                rows = await self._ledger.pool.fetch(statement, self._ledger.store.book, after, end, *arguments)
            yield rows
            meter.reached(end)


def _line(currency: str, account: str, opening: int, debit: int, credit: int) -> Line:
    return Line(
        account=account,
        currency=currency,
        opening_minor=opening,
        debit_minor=debit,
        credit_minor=credit,
        closing_minor=opening + debit - credit,
    )
