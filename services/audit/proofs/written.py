"""Events as PostgreSQL writes them out in text, and the leaf that such text must have.

No `Recorded` is built and no time or number is converted that a leaf only writes out again: that is two thirds of the
time it takes to prove an event. What is hashed is what `libs.eventstore.leaves` hashes; a property test compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from struct import Struct
from typing import Any, Final

from services.audit.proofs.tally import Tally, whole_numbers, words

Row = Any
"""Of the statement `written`: a sequence, whether it comes from the driver or from a test."""

LOCK_EVENTS: Final = frozenset({"PeriodClosed", "PeriodReopened"})
"""The events that move the date before which nothing may be posted, in streams of the kind `period`."""

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL's
_MICROSECONDS_TO_EPOCH: Final = 946_684_800_000_000  # from 1970, where a leaf counts from
_microseconds: Final = Struct(">q").unpack


def moment(sent: bytes) -> datetime:
    """A time as `timestamptz_send` gives it; raises `OverflowError` for one that is infinite or beyond year 9999."""
    return _EPOCH + timedelta(microseconds=_microseconds(sent)[0])


@dataclass(slots=True)
class Postings:
    """The postings of a slice in two columns, as `Tally.add` takes them."""

    slots: list[int] = field(default_factory=list)
    amounts_minor: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Written:
    """A slice of the log in columns. `proper` are the leaves that the rows must have, None for a row that no store can
    have written; times are as `timestamptz_send` gives them; `locks` is the data of `LOCK_EVENTS`.
    """

    positions: Sequence[int]
    recorded: Sequence[bytes]
    leaves: Sequence[bytes]
    proper: Sequence[bytes | None]
    postings: Postings
    locks: Sequence[str]


def read(book: int, rows: Sequence[Row], tally: Tally) -> Written:
    """The rows of the statement `written`; the slots of their postings are those of the tally, which stays as it is."""
    proper, slots, numbers = _proper(str(book), rows, tally)
    try:
        postings = Postings(slots, whole_numbers(numbers))
    except ValueError:  # as a whole, and one by one only to say which
        proper = [leaf if _are_whole(row[14]) else None for leaf, row in zip(proper, rows, strict=True)]
        postings = Postings()  # of a slice that does not hold
    locks = [] if LOCK_EVENTS.isdisjoint([row[5] for row in rows]) else _locks(rows)
    return Written(
        [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows], proper, postings, locks
    )


def _locks(rows: Sequence[Row]) -> list[str]:
    return [row[15] for row in rows if row[5] in LOCK_EVENTS and str(row[3]).startswith("period-")]


def _proper(book: str, rows: Sequence[Row], tally: Tally) -> tuple[list[bytes | None], list[int], list[str]]:
    """The leaves, and the slots and amounts of all postings. In one loop: a call for each row costs a fiftieth."""
    leaves: list[bytes | None] = []
    slots: list[int] = []
    numbers: list[str] = []
    # fmt: off
    for (_, _, _, stream, version, kind, schema, effective, correlation, causation, actor, reason,
         accounts, currencies, amounts, data) in rows:
        try:
            entry, sizes, pack, found = tally.entry(accounts, currencies)
            figures = amounts[1:-1].split(",") if amounts != "{}" else []
            since_1970 = str(_microseconds(effective)[0] + _MICROSECONDS_TO_EPOCH)
            text = "".join((
                book, stream, version, kind, schema, since_1970,
                correlation or "", causation or "", actor, reason or "", entry % tuple(figures), data,
            ))
        except (TypeError, ValueError):  # NULL where the schema has none, ragged postings
            leaves.append(None)
            continue
        # Lengths are of bytes; of characters too, as long as all are ASCII.
        size = len if text.isascii() else _octets
        sizes[3::3] = map(size, figures)
        header = pack(
            11 + len(sizes), len(book), size(stream), size(version), size(kind), size(schema), size(since_1970),
            -1 if correlation is None else size(correlation), -1 if causation is None else size(causation),
            size(actor), -1 if reason is None else size(reason), *sizes, size(data),
        )
        leaves.append(sha256(header + text.encode()).digest())
        slots += found
        numbers += figures
    # fmt: on
    return leaves, slots, numbers


def _octets(text: str) -> int:
    return len(text.encode())


def _are_whole(amounts: str) -> bool:
    try:
        whole_numbers(words(amounts))
    except (TypeError, ValueError):
        return False
    return True
