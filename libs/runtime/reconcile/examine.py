"""One account examined: page by page of its statement, then what we booked that no page settled, then its balance."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from libs.eventstore.projector import Projector
from libs.ledger.reconciled import Balance, Tally
from libs.ledger.reconciliation import FAULTY, GRACE, Booking, Judged, Line, agree, judge
from libs.runtime.outcomes import Refused
from libs.runtime.reconcile.reads import Booked, Reads
from libs.runtime.reconcile.statement import Account, BalancesAt, Charge
from libs.runtime.service import Progress

BATCH: Final = 100
GONE: Final = "resource_missing"
"""The processor's code for an object that it does not have."""


@dataclass(slots=True)
class Examination:
    """Adds to `tally` what it finds of the lines after `since` until `as_of`, and of all bookings until `as_of`."""

    projector: Projector
    reads: Reads
    charge: Charge | None
    account: Account
    tally: Tally
    since: datetime | None
    as_of: datetime
    progress: Progress
    _on_way: Counter[str] = field(default_factory=Counter)  # by currency: what differs in the balance and may
    _faulty: Counter[str] = field(default_factory=Counter)  # and what may not

    @property
    def heard_at(self) -> datetime:
        return self.as_of - GRACE

    async def run(self, carried: Sequence[str]) -> None:
        """`carried` are objects that an earlier run found at the processor alone."""
        lines = 0
        async for page in self.account.statement.pages(self.since, self.as_of):
            await self._page(page)
            lines += len(page)
            self.progress(f"{self.account.name}: {lines} lines, back to {page[-1].at.isoformat()}")
        after = ""
        while sources := await self.reads.unsettled(self.account.name, self.as_of, after=after, limit=BATCH):
            await self._old(sources)
            after = sources[-1]
        booked = await self.reads.booked(self.account.name, carried, self.as_of)
        await self._old([source for source in carried if source not in booked.by_source])
        if self.account.balances_at:
            await self._balance(self.account.balances_at)

    async def _page(self, page: Sequence[Line]) -> None:
        if self.charge:
            for line in await self.charge(page):
                self.tally.charge(line.currency, -line.amount_minor)
            await self.projector.catch_up()  # also where another run was faster, and we booked none of them
        by_source: defaultdict[str, tuple[Line, ...]] = defaultdict(tuple)
        for line in page:
            by_source[line.source] += (line,)
        booked = await self.reads.booked(self.account.name, by_source, self.as_of)
        settled = []
        for source, lines in by_source.items():
            bookings = booked.by_source.get(source, ())
            whole = lines if agree(lines, bookings) else await self._whole(source, lines)
            if whole and self._judge(whole, bookings).settled:
                settled.append(source)
        await self._settle(settled, booked)

    async def _old(self, sources: Sequence[str]) -> None:
        """Objects that no page of this run has shown."""
        booked = await self.reads.booked(self.account.name, sources, self.as_of)
        settled = []
        for source in sources:
            lines, bookings = await self._lines_of(source), booked.by_source.get(source, ())
            if lines and (self.since is None or max(lines, key=_order).at > self.since):
                continue
            if (lines or bookings) and self._judge(lines, bookings).settled:
                settled.append(source)
        await self._settle(settled, booked)

    async def _whole(self, source: str, here: Sequence[Line]) -> Sequence[Line]:
        """All lines of an object; none unless the newest is among these, for other pages have some of them, too."""
        whole = await self._lines_of(source)
        return whole if whole and max(whole, key=_order).id in {line.id for line in here} else ()

    async def _lines_of(self, source: str) -> tuple[Line, ...]:
        try:
            lines = await self.account.statement.lines_of(source)
        except Refused as no:
            if no.code != GONE:
                raise
            return ()
        return tuple(line for line in lines if line.at <= self.as_of)

    def _judge(self, lines: Sequence[Line], bookings: Sequence[Booking]) -> Judged:
        judged = judge(self.account.name, lines, bookings, self.heard_at)
        self.tally.add(judged.findings)
        faulty = any(each.status in FAULTY for each in judged.findings)
        (self._faulty if faulty else self._on_way).update(judged.apart_minor)
        return judged

    async def _settle(self, sources: Sequence[str], booked: Booked) -> None:
        if known := [source for source in sources if source in booked.by_source]:
            await self.reads.settle(self.account.name, known, self.as_of, booked.through)

    async def _balance(self, balances_at: BalancesAt) -> None:
        """As it was when all that had happened should have been heard of, whatever has happened since."""
        there = await balances_at(self.heard_at)
        here = await self.reads.balances(self.account.name, self.heard_at)
        for currency in sorted({*there, *here}):
            self.tally.weigh(self._compared(currency, there, here), always=self.account.always)

    def _compared(self, currency: str, there: Mapping[str, int], here: Mapping[str, int]) -> Balance:
        at_processor_minor, in_ledger_minor = there.get(currency, 0), here.get(currency, 0)
        apart_minor = at_processor_minor - in_ledger_minor
        expected = apart_minor == self._on_way[currency]
        return Balance(
            status="mismatched" if not expected else "expected" if apart_minor else "matched",
            account=self.account.name,
            currency=currency,
            at_processor_minor=at_processor_minor,
            in_ledger_minor=in_ledger_minor,
            unexplained_minor=apart_minor - self._on_way[currency] - self._faulty[currency],
        )


def _order(line: Line) -> tuple[datetime, str]:
    return line.at, line.id
