"""A batch of units as the parallel arrays that `ledger.append` takes, and its answer as outcomes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from libs.eventstore.leaves import leaf_of_new
from libs.eventstore.model import Appended, Duplicate, Moved, Outcome, Reused, Unit
from libs.ledger import chart, journal
from libs.ledger.errors import Rejected


def _literal(values: Iterable[object]) -> str:
    """A PostgreSQL array literal of values that need no quoting: accounts, currency codes and integers never do."""
    return "{" + ",".join(map(str, values)) + "}"


class Batch:
    """Lays units out for the database. Raises `Rejected` for a unit that no store may take."""

    def __init__(self, book: int, units: Sequence[Unit]) -> None:
        self.units = units
        changes: list[tuple[int, str, int]] = []
        events: list[tuple[Any, ...]] = []
        for number, unit in enumerate(units, 1):
            meta = unit.meta
            for change in unit.changes:
                changes.append((number, change.stream, change.expected_version))
                for version, event in enumerate(change.events, change.expected_version + 1):
                    accounts, currencies, amounts = (
                        zip(*event.postings, strict=True) if event.postings else ((), (), ())
                    )
                    events.append(
                        (
                            number,
                            change.stream,
                            version,
                            event.type,
                            event.schema_version,
                            event.effective_at,
                            meta.correlation_id,
                            meta.causation_id,
                            meta.actor,
                            meta.reason,
                            _literal(accounts),
                            _literal(currencies),
                            _literal(amounts),
                            event.data,
                            leaf_of_new(book, change.stream, version, event, meta),
                        )
                    )
        keys = [unit.key and unit.key.value for unit in units]
        fingerprints = [unit.key and unit.key.fingerprint for unit in units]
        columns = map(list, zip(*events, strict=True))
        self.arguments = (book, keys, fingerprints, *map(list, zip(*changes, strict=True)), *columns)

    def outcomes(self, first_position: int, left_out: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """One outcome a unit; those that landed were numbered without gaps, in order."""
        reported = {entry["unit"]: self._outcome(entry) for entry in left_out}
        outcomes: list[Outcome] = []
        position = first_position
        for number, unit in enumerate(self.units, 1):
            outcome = reported.get(number)
            if outcome is None:
                count = sum(len(change.events) for change in unit.changes)
                outcome = Appended(range(position, position + count))
                position += count
            outcomes.append(outcome)
        return outcomes

    def _outcome(self, entry: Mapping[str, Any]) -> Outcome:
        match entry["outcome"]:
            case "duplicate":
                return Duplicate(range(entry["first"], entry["last"] + 1))
            case "key_reused":
                key = self.units[entry["unit"] - 1].key
                return Reused(key.value if key else "")
            case _:
                return Moved(entry["stream"], entry["actual"])


def check(unit: Unit) -> None:
    """Raise `Rejected` for what the store would refuse with its whole batch: no events, postings that break the law."""
    if not unit.changes or not all(change.events for change in unit.changes):
        raise Rejected("A unit needs at least one event in every stream it names.", code="empty_unit")
    for change in unit.changes:
        for event in change.events:
            if event.postings:
                journal.check(event.postings)


def net(unit: Unit) -> dict[tuple[str, str], int]:
    """What a unit changes, by (account, currency)."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for change in unit.changes:
        for event in change.events:
            for account, currency, amount in event.postings:
                sums[account, currency] += amount
    return sums


def overdraws(account: str, balance_minor: int) -> bool:
    return chart.rule(account).sign * balance_minor < 0
