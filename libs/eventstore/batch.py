"""A batch of units as the columns that `ledger.append` takes, and its answer as outcomes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from libs.eventstore.leaves import leaf_of_new, moment
from libs.eventstore.model import Appended, Closed, Duplicate, Moved, Outcome, Reused, Unit
from libs.ledger import chart
from libs.ledger.errors import Rejected

_SEPARATOR: Final = "\x1f"
_NULL: Final = "\x1e"
_TEXTS: Final = frozenset({1, 3, *range(6, 14)})  # which columns of an event are text
_NUMBERS: Final = frozenset({0, 2, 4})


class Batch:
    """Lays units out for the database.

    Raises `Rejected` (`bad_text`) or `UnicodeEncodeError` for a text that PostgreSQL cannot hold.
    """

    def __init__(self, book: int, units: Sequence[Unit]) -> None:
        self._book = book
        self._units = units
        changes: list[tuple[int, str, int]] = []
        events: list[tuple[Any, ...]] = []
        for number, unit in enumerate(units, 1):
            meta = unit.meta
            for change in unit.changes:
                stream = change.stream
                changes.append((number, stream, change.expected_version + 1))
                for version, event in enumerate(change.events, change.expected_version + 1):
                    accounts, currencies, amounts = zip(*event.postings) if event.postings else ((), (), ())  # noqa: B905 - strict costs, and postings are triples
                    events.append(
                        (
                            number,
                            stream,
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
                            leaf_of_new(book, stream, version, event, meta),
                        )
                    )
        change_units, change_streams, firsts = zip(*changes, strict=True)
        *columns, leaves = zip(*events, strict=True)
        self._columns = (
            _column([unit.key.value if unit.key else None for unit in units]),
            [unit.key.fingerprint if unit.key else None for unit in units],
            _literal(change_units),
            _column(change_streams),
            _literal(firsts),
            *(
                _column(column) if number in _TEXTS else _literal(column) if number in _NUMBERS else column
                for number, column in enumerate(columns)
            ),
            b"".join(leaves),
        )

    def arguments(self, *, look: bool = True) -> tuple[Any, ...]:
        """What `ledger.append` takes."""
        return (self._book, look, *self._columns)

    def landed(self, first_position: int) -> list[Outcome]:
        """The outcomes when all landed: they are numbered without gaps, in order."""
        outcomes: list[Outcome] = []
        position = first_position
        for unit in self._units:
            after = position + sum([len(change.events) for change in unit.changes])
            outcomes.append(Appended(range(position, after)))
            position = after
        return outcomes

    def left_out(self, report: Sequence[Mapping[str, Any]]) -> dict[int, Outcome]:
        """The outcomes of units that cannot land, by their index; of one that cannot for several reasons, the first."""
        return {entry["unit"] - 1: self._outcome(entry) for entry in reversed(report)}

    def _outcome(self, entry: Mapping[str, Any]) -> Outcome:
        match entry["outcome"]:
            case "duplicate":
                return Duplicate(range(entry["first"], entry["last"] + 1))
            case "key_reused":
                key = self._units[entry["unit"] - 1].key
                return Reused(key.value if key else "")
            case "closed":
                return Closed(moment(entry["effective_at"]), moment(entry["closed_before"]))
            case _:
                return Moved(entry["stream"], entry["actual"])


def _literal(values: Sequence[object]) -> str:
    """A PostgreSQL array of what needs no quotes: numbers, accounts, currency codes."""
    return "{" + ",".join(map(str, values)) + "}"


def _column(values: Sequence[str | None]) -> str:
    """Many texts as one, see `ledger.column`."""
    absent = values.count(None)
    joined = _SEPARATOR.join([_NULL if value is None else value for value in values] if absent else values)  # type: ignore[arg-type] # no None is left
    if not joined.isascii():
        joined.encode()  # half a surrogate pair is found here, where the batch can still be taken apart
    if joined.count(_SEPARATOR) != len(values) - 1 or joined.count(_NULL) != absent or "\0" in joined:
        raise Rejected("A text holds a control character (U+0000, U+001E, U+001F); leave it out.", code="bad_text")
    return joined


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
