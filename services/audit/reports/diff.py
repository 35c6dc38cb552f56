"""What changed between two states of the book: account by account, and which events did it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from libs.ledger.errors import Rejected
from services.audit.proofs.progress import Meter, Progress, quiet
from services.audit.reports.balances import SLICE_POSITIONS, state
from services.audit.reports.moments import END, NOW, SQL, AsOf, Moment, resolve
from services.audit.reports.plain import plain


@dataclass(frozen=True, slots=True)
class Cause:
    """What the events of one type did to an account between the two states. Minor units, debit positive."""

    type: str
    events: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Change:
    """An account that moved, be it back to where it was. Minor units, debit positive."""

    account: str
    currency: str
    before_minor: int
    after_minor: int
    causes: Sequence[Cause]

    @property
    def change_minor(self) -> int:
        return self.after_minor - self.before_minor

    @property
    def events(self) -> int:
        return sum(cause.events for cause in self.causes)

    def json(self) -> dict[str, Any]:
        return {**plain(self), "change_minor": plain(self.change_minor), "events": self.events}


@dataclass(frozen=True, slots=True)
class Diff:
    """Accounts that moved between two moments of a book, by currency and name."""

    book: int
    before: Moment
    after: Moment
    changes: Sequence[Change]

    def json(self) -> dict[str, Any]:
        return {**plain(self), "changes": [change.json() for change in self.changes]}


async def diff(ledger: Ledger, before: AsOf, after: AsOf = NOW, *, progress: Progress = quiet) -> Diff:
    """From an earlier state to a later one: later on either clock, earlier on neither.

    With the same effective time on both sides, the changes are what was recorded late. Raises as `resolve`, and
    `Rejected` (`from_after_to`).
    """
    earlier = await resolve(ledger, before)
    now = await state(ledger, after, progress=progress)
    later = now.moment
    if earlier.position > later.position or (earlier.effective_by or END) > (later.effective_by or END):
        raise Rejected("The first of the two states is the later one; swap them.", code="from_after_to")
    causes = await _causes(ledger, earlier, later, progress)
    changes = []
    for (account, currency), found in sorted(causes.items(), key=lambda item: (item[0][1], item[0][0])):
        after_minor = now.balances.get((account, currency), 0)
        change_minor = sum(cause.amount_minor for cause in found)
        changes.append(Change(account, currency, after_minor - change_minor, after_minor, found))
    return Diff(now.book, earlier, later, changes)


async def _causes(
    ledger: Ledger, earlier: Moment, later: Moment, progress: Progress
) -> dict[tuple[str, str], list[Cause]]:
    """What happened by account and currency, the busiest type first."""
    sums: defaultdict[tuple[str, str], dict[str, Cause]] = defaultdict(dict)
    # Where both count the same effective times, nothing up to the earlier position can be new.
    start = earlier.position if earlier.effective_by == later.effective_by else 0
    meter = Meter("changes", later.position - start, progress)
    for after in range(start, later.position, SLICE_POSITIONS):
        end = min(after + SLICE_POSITIONS, later.position)
        bounds = (after, end, earlier.position, earlier.effective_by, later.effective_by)
        with availability():
            rows = await ledger.pool.fetch(SQL.changes, ledger.store.book, *bounds)
        for account, currency, type_, events, amount_minor in rows:
            known = sums[account, currency].get(type_, Cause(type_, 0, 0))
            sums[account, currency][type_] = Cause(type_, known.events + events, known.amount_minor + amount_minor)
        meter.reached(end - start)
    return {key: sorted(found.values(), key=lambda cause: (-cause.events, cause.type)) for key, found in sums.items()}
