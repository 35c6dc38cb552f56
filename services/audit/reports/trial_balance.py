"""The trial balance: every account on its side, and both sides equal in every currency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from libs.eventstore.ledger import Ledger
from libs.ledger import chart
from libs.ledger.errors import Rejected
from services.audit.proofs.book import recomputed, standing
from services.audit.proofs.progress import Progress, quiet


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
    """As of a position; accounts whose balance is zero are left out."""

    book: int
    position: int
    lines: Sequence[Line]
    totals: Sequence[Total]

    @property
    def balanced(self) -> bool:
        return not any(total.difference_minor for total in self.totals)

    def json(self) -> dict[str, Any]:
        return {"balanced": self.balanced} | asdict(self)


async def trial_balance(ledger: Ledger, as_of: int | None = None, *, progress: Progress = quiet) -> TrialBalance:
    """From the live balances, or as of an earlier position from the events up to it.

    Raises `NotFound` (`unknown_book`), `Rejected` (`position_ahead`).
    """
    book = await standing(ledger)
    if as_of is None:
        return _laid_out(book.book, book.position, book.balances)
    if not 0 <= as_of <= book.position:
        raise Rejected(
            f"Book {book.book} ends at position {book.position}; there is no trial balance as of {as_of}.",
            code="position_ahead",
        )
    return _laid_out(book.book, as_of, await recomputed(ledger, as_of, progress=progress))


def _laid_out(book: int, position: int, balances: Mapping[tuple[str, str], int]) -> TrialBalance:
    lines = [
        Line(account, chart.rule(account).kind, currency, max(amount, 0), max(-amount, 0))
        for (account, currency), amount in balances.items()
        if amount
    ]
    lines.sort(key=lambda line: (line.currency, _KINDS.index(line.kind), line.account))
    totals = [
        Total(
            currency,
            sum(line.debit_minor for line in lines if line.currency == currency),
            sum(line.credit_minor for line in lines if line.currency == currency),
        )
        for currency in sorted({line.currency for line in lines})
    ]
    return TrialBalance(book, position, lines, totals)


_KINDS: tuple[chart.Kind, ...] = ("asset", "liability", "income", "expense")
