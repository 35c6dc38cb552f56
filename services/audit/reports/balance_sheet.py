"""The balance sheet: what is there, what is owed, and what was earned, which together must be equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
class Item:
    """One account, in minor units; positive on the side where its kind belongs: an overdrawn asset is negative."""

    account: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """One currency. No accounts are closed at a year's end: earnings are all income less all expenses so far, and they
    are the whole equity.
    """

    currency: str
    assets: Sequence[Item]
    liabilities: Sequence[Item]
    income: Sequence[Item]
    expenses: Sequence[Item]

    @property
    def assets_minor(self) -> int:
        return _sum(self.assets)

    @property
    def liabilities_minor(self) -> int:
        return _sum(self.liabilities)

    @property
    def earnings_minor(self) -> int:
        return _sum(self.income) - _sum(self.expenses)

    @property
    def difference_minor(self) -> int:
        """Zero, or the books are wrong."""
        return self.assets_minor - self.liabilities_minor - self.earnings_minor

    def json(self) -> dict[str, Any]:
        sums = {name: getattr(self, name) for name in ("assets_minor", "liabilities_minor", "earnings_minor")}
        return {**plain(self), **plain(sums)}


@dataclass(frozen=True, slots=True)
class BalanceSheet:
    """As of a position, of what took effect by `effective_by` (None: all); accounts that stand at zero are left out."""

    book: int
    position: int
    effective_by: datetime | None
    sheets: Sequence[Sheet]

    @property
    def balanced(self) -> bool:
        return not any(sheet.difference_minor for sheet in self.sheets)

    def json(self) -> dict[str, Any]:
        return {"balanced": self.balanced, **plain(self), "sheets": [sheet.json() for sheet in self.sheets]}


async def balance_sheet(ledger: Ledger, as_of: AsOf = NOW, *, progress: Progress = quiet) -> BalanceSheet:
    """From the live balances, or as of another moment from the events. Raises as `trial_balance`."""
    found = await state(ledger, as_of, progress=progress)
    currencies = sorted({currency for (_, currency), amount_minor in found.balances.items() if amount_minor})
    sheets = [_sheet(currency, found) for currency in currencies]
    return BalanceSheet(found.book, found.moment.position, found.moment.effective_by, sheets)


def _sheet(currency: str, found: State) -> Sheet:
    items: dict[chart.Kind, list[Item]] = {kind: [] for kind in _SIDES}
    for (account, code), amount_minor in sorted(found.balances.items()):
        if code == currency and amount_minor:
            kind = chart.rule(account).kind
            items[kind].append(Item(account, _SIDES[kind] * amount_minor))
    return Sheet(currency, items["asset"], items["liability"], items["income"], items["expense"])


def _sum(items: Sequence[Item]) -> int:
    return sum(item.amount_minor for item in items)


_SIDES: Final[Mapping[chart.Kind, int]] = {"asset": 1, "liability": -1, "income": -1, "expense": 1}
