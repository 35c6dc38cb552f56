"""The trial balance: every account on its side, and both sides equal in every currency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from libs.eventstore.ledger import Ledger
from libs.ledger import chart
from services.audit.proofs.progress import Progress, quiet
from services.audit.reports.balances import State, state
from services.audit.reports.moments import NOW, AsOf
from services.audit.reports.plain import plain


@dataclass(frozen=True, slots=True)
class Line:
    """One account in one currency; its balance stands on one side, the other is 0. Minor units."""

    account: str
    kind: chart.Kind
    currency: str
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True, slots=True)
class Total:
    """The sums of one currency. Minor units."""

    currency: str
    debit_minor: int
    credit_minor: int

    @property
    def difference_minor(self) -> int:
        """Zero, or the books are wrong."""
        return self.debit_minor - self.credit_minor


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """As of a position, of what took effect by `effective_by` (None: all); accounts that stand at zero are left out."""

    book: int
    position: int
    effective_by: datetime | None
    lines: Sequence[Line]
    totals: Sequence[Total]

    @property
    def balanced(self) -> bool:
        return not any(total.difference_minor for total in self.totals)

    def json(self) -> dict[str, Any]:
        return {"balanced": self.balanced, **plain(self)}


async def trial_balance(ledger: Ledger, as_of: AsOf = NOW, *, progress: Progress = quiet) -> TrialBalance:
    """From the live balances, or as of another moment from the events.

    Raises `NotFound` (`unknown_book`), `Rejected` (`position_ahead`, `time_ahead`).
    """
    return laid_out(await state(ledger, as_of, progress=progress))


def laid_out(found: State) -> TrialBalance:
    """Lines by currency, kind and account, and the totals of every currency."""
    lines = [
        Line(account, chart.rule(account).kind, currency, max(amount, 0), max(-amount, 0))
        for (account, currency), amount in found.balances.items()
        if amount
    ]
    lines.sort(key=lambda line: (line.currency, _KINDS.index(line.kind), line.account))
    totals = [_total(currency, lines) for currency in sorted({line.currency for line in lines})]
    return TrialBalance(found.book, found.moment.position, found.moment.effective_by, lines, totals)


def _total(currency: str, lines: Sequence[Line]) -> Total:
    mine = [line for line in lines if line.currency == currency]
    return Total(currency, sum(line.debit_minor for line in mine), sum(line.credit_minor for line in mine))


_KINDS: Final[tuple[chart.Kind, ...]] = ("asset", "liability", "income", "expense")
