"""The ledger in forty lines: one book in memory, one unit at a time. Whatever the real one does, this must explain."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from libs.eventstore.model import (
    Appended,
    Closed,
    Duplicate,
    Meta,
    Moved,
    NewEvent,
    Outcome,
    Refused,
    Reused,
    Short,
    Unit,
)

NEVER_DEBIT = {"funds:unallocated", "escrow:held", "seller:anna:available"}
NEVER_CREDIT = {"chain:1:escrow"}
ANY = {"stripe:platform", "revenue:commission"}


class Entry(NamedTuple):
    """What one position holds."""

    stream: str
    version: int
    event: NewEvent
    meta: Meta


class Model:
    """Written from the promises, not from the code: no batches, no locks, no arrays."""

    def __init__(self) -> None:
        self.closed_before: datetime | None = None
        self.log: list[Entry] = []
        self.versions: Counter[str] = Counter()
        self.balances: Counter[tuple[str, str]] = Counter()
        self.keys: dict[str, tuple[bytes, range]] = {}

    def answers(self, unit: Unit) -> set[Outcome | str]:
        """Every outcome that would be right now, a refusal by its code. More than one only where it may name either of
        two streams that moved, or of two accounts that are short.
        """
        if code := self._refusal(unit):
            return {code}
        if unit.key and unit.key.value in self.keys:
            fingerprint, positions = self.keys[unit.key.value]
            return {Duplicate(positions) if fingerprint == unit.key.fingerprint else Reused(unit.key.value)}
        return (
            {
                Moved(change.stream, self.versions[change.stream])
                for change in unit.changes
                if self.versions[change.stream] != change.expected_version
            }
            or self._late(unit)
            or {
                Short(account, currency, self.balances[account, currency])
                for (account, currency), minor in net(unit).items()
                if minor and _overdrawn(account, self.balances[account, currency] + minor)
            }
            or {Appended(range(len(self.log) + 1, len(self.log) + 1 + len(_events(unit))))}
        )

    def append(self, unit: Unit) -> None:
        """Store a unit that `answers` says can be stored."""
        before = len(self.log)
        for change in unit.changes:
            for event in change.events:
                self.versions[change.stream] += 1
                self.log.append(Entry(change.stream, self.versions[change.stream], event, unit.meta))
                if change.stream.startswith("period-"):
                    self.closed_before = datetime.fromisoformat(json.loads(event.data)["closed_before"])
        for posted, minor in net(unit).items():
            self.balances[posted] += minor
        if unit.key:
            self.keys[unit.key.value] = unit.key.fingerprint, range(before + 1, len(self.log) + 1)

    def _late(self, unit: Unit) -> set[Outcome | str]:
        if self.closed_before is None:
            return set()
        late = [e.effective_at for e in _events(unit) if e.postings and e.effective_at < self.closed_before]
        return {Closed(min(late), self.closed_before)} if late else set()

    def _refusal(self, unit: Unit) -> str | None:
        for event in _events(unit):
            if {posting.account for posting in event.postings} - NEVER_DEBIT - NEVER_CREDIT - ANY:
                return "unknown_account"
            sums: Counter[str] = Counter()
            for _, currency, minor in event.postings:
                sums[currency] += minor
            if any(sums.values()):
                return "unbalanced"
        return None


def told(outcome: Outcome) -> Outcome | str:
    """An outcome as `answers` gives it: of a refusal, only the code is promised."""
    return outcome.code if isinstance(outcome, Refused) else outcome


def net(unit: Unit) -> Counter[tuple[str, str]]:
    """What a unit changes by (account, currency)."""
    sums: Counter[tuple[str, str]] = Counter()
    for event in _events(unit):
        for account, currency, minor in event.postings:
            sums[account, currency] += minor
    return sums


def _events(unit: Unit) -> Sequence[NewEvent]:
    return [event for change in unit.changes for event in change.events]


def _overdrawn(account: str, minor: int) -> bool:
    return minor > 0 if account in NEVER_DEBIT else minor < 0 if account in NEVER_CREDIT else False
