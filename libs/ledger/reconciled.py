"""What a run of reconciliation found: counted in a size that does not grow, and kept as an event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import NAMESPACE_OID, UUID, uuid5

from libs.ledger.decider import Decider, Event
from libs.ledger.reconciliation import FAULTY, GRACE, Finding, Status

FINDINGS_MAX: Final = 500
"""So many lines a report names; what is cut is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """All objects of one status in one currency."""

    status: Status
    currency: str
    count: int
    at_processor_minor: int
    in_ledger_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """An account's balance on both sides at one time; `unexplained_minor` is the part of the difference that no object
    examined here accounts for.
    """

    status: Literal["matched", "expected", "mismatched"]
    account: str
    currency: str
    at_processor_minor: int
    in_ledger_minor: int
    unexplained_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeSum:
    """Processor fees that this run booked."""

    currency: str
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """An account that could not be looked into: the next run does so from `since` on (None: from its first line)."""

    account: str
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled(Event):
    """What a run found of the lines after `since` (None: of all) until `at`, and of whatever was not settled before.

    `findings` are the objects that did not agree, and those that agree by an adjustment only; `cut` more are counted in
    `sums` and not named. `balances` are those at `balances_at`, but for `balances_matched` sellers' that agreed.
    `complete`: the next run need not look at these lines again, but for those of `unread` accounts.
    """

    since: datetime | None
    balances_at: datetime
    sums: tuple[Sum, ...]
    findings: tuple[Finding, ...]
    cut: int
    balances: tuple[Balance, ...]
    balances_matched: int
    fees: tuple[FeeSum, ...]
    unread: tuple[Unread, ...]
    complete: bool

    def count(self, *statuses: Status) -> int:
        return sum(each.count for each in self.sums if each.status in statuses)

    @property
    def left(self) -> int:
        """What a person should look at."""
        wrong = sum(each.status == "mismatched" for each in self.balances)
        return self.count("missing", "mismatched") + wrong + len(self.unread)


@dataclass(slots=True)
class Tally:
    """A report in the making. Its size does not depend on how many objects it counts."""

    _sums: dict[tuple[Status, str], list[int]] = field(default_factory=dict)
    _faulty: list[Finding] = field(default_factory=list)
    _others: list[Finding] = field(default_factory=list)
    _named: int = 0
    _fees: dict[str, list[int]] = field(default_factory=dict)
    balances: list[Balance] = field(default_factory=list)
    balances_matched: int = 0
    unread: list[Unread] = field(default_factory=list)

    def add(self, findings: Iterable[Finding]) -> None:
        for each in findings:
            sums = self._sums.setdefault((each.status, each.currency), [0, 0, 0])
            for i, amount in enumerate((1, each.at_processor_minor, each.in_ledger_minor)):
                sums[i] += amount
            if each.why == "agreed":
                continue
            self._named += 1
            kept = self._faulty if each.status in FAULTY else self._others
            if len(kept) < FINDINGS_MAX:
                kept.append(each)

    def charge(self, currency: str, amount_minor: int) -> None:
        """Count a fee that was booked."""
        fees = self._fees.setdefault(currency, [0, 0])
        fees[0] += 1
        fees[1] += amount_minor

    def weigh(self, balance: Balance, *, always: bool) -> None:
        """Count a balance, and name it unless it agrees and need not be named."""
        if balance.status != "matched" or (always and len(self.balances) < FINDINGS_MAX):
            self.balances.append(balance)
        else:
            self.balances_matched += 1

    def report(self, at: datetime, since: datetime | None) -> Reconciled:
        named = (*self._faulty, *self._others)[:FINDINGS_MAX]
        faulty = sum(sums[0] for (status, _), sums in self._sums.items() if status in FAULTY)
        return Reconciled(
            at=at,
            since=since,
            balances_at=at - GRACE,
            sums=tuple(
                Sum(status=status, currency=currency, count=n, at_processor_minor=there, in_ledger_minor=here)
                for (status, currency), (n, there, here) in sorted(self._sums.items())
            ),
            findings=named,
            cut=self._named - len(named),
            balances=tuple(self.balances),
            balances_matched=self.balances_matched,
            fees=tuple(
                FeeSum(currency=currency, count=n, amount_minor=amount)
                for currency, (n, amount) in sorted(self._fees.items())
            ),
            unread=tuple(self.unread[:FINDINGS_MAX]),
            # Whatever is not in the ledger is found again by its name in this report alone.
            complete=max(faulty, len(self.unread)) <= FINDINGS_MAX,
        )


@dataclass(frozen=True, slots=True)
class Record:
    report: Reconciled


def reconciliation_id(kind: str, book: int, at: datetime) -> UUID:
    """The stream of a run: the same for two runs as of the same time, of which the later one counts."""
    return uuid5(NAMESPACE_OID, f"holdfast/{kind}/{book}/{at.timestamp()}")


def reconciliation(kind: str) -> Decider[Record, Reconciled | None, Reconciled]:
    """The domain of a service's runs: what a run found stands as it is, and once if two found the same."""
    return Decider(kind, None, _record, lambda _state, event: event, (Reconciled,))


def _record(command: Record, state: Reconciled | None) -> Sequence[Reconciled]:
    return () if command.report == state else (command.report,)
