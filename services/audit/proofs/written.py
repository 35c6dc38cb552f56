"""Events as PostgreSQL writes them out in text, and the leaf that such text must have.

No `Recorded` is built and no time or number is converted that a leaf only writes out again: that is two thirds of the
time it takes to prove an event. What is hashed is what `libs.eventstore.leaves` hashes; a property test compares them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from hashlib import sha256
from itertools import chain
from struct import Struct
from typing import Any, Final

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
    """The postings of a slice in three columns."""

    accounts: list[str] = field(default_factory=list)
    currencies: list[str] = field(default_factory=list)
    amounts_minor: list[int] = field(default_factory=list)

    def add(self, accounts: str, currencies: str, amounts: str) -> tuple[list[str], list[str], list[str]]:
        """Add those of an event, given as arrays in text, and return the words of each array.

        Nothing is unquoted. What PostgreSQL would quote, brace or call NULL cannot be an account, a currency or an
        amount of ours; and since it writes no two arrays alike and joining reverses splitting, no two give the same
        words: a forged array gives a wrong leaf, however its quotes and commas are set.

        Raises `ValueError` for columns of unequal length and for an amount that is no integer.
        """
        if accounts == currencies == amounts == "{}":
            return [], [], []
        names, codes, numbers = _words(accounts), _words(currencies), amounts[1:-1].split(",")
        if not (len(names) == len(codes) == len(numbers) and names[0] and codes[0]):  # "" comes of a lone empty array
            raise ValueError("ragged postings")
        self.amounts_minor += map(int, numbers)
        self.accounts += names
        self.currencies += codes
        return names, codes, numbers

    def fold(self, balances: defaultdict[tuple[str, str], int]) -> None:
        """Add them to balances."""
        keys = zip(self.accounts, self.currencies, strict=True)
        for key, amount in zip(keys, self.amounts_minor, strict=True):
            balances[key] += amount


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


def read(book: int, rows: Sequence[Row]) -> Written:
    """The rows of the statement `written`."""
    postings = Postings()
    if not rows:
        return Written((), (), (), (), postings, ())
    shown = str(book)
    proper = [_proper(shown, row, postings) for row in rows]
    positions, recorded, leaves, streams, _, types, *_, data = zip(*rows, strict=True)
    locks = [] if LOCK_EVENTS.isdisjoint(types) else _locks(streams, types, data)
    return Written(positions, recorded, leaves, proper, postings, locks)


def _locks(streams: Sequence[str], types: Sequence[str], data: Sequence[str]) -> list[str]:
    events = zip(streams, types, data, strict=True)
    return [data for stream, kind, data in events if kind in LOCK_EVENTS and str(stream).startswith("period-")]


def _proper(book: str, row: Row, postings: Postings) -> bytes | None:
    # fmt: off
    (_, _, _, stream, version, kind, schema, effective, correlation, causation, actor, reason,
     accounts, currencies, amounts, data) = row
    try:
        names, codes, numbers = postings.add(accounts, currencies, amounts)
        since_1970 = _microseconds(effective)[0] + _MICROSECONDS_TO_EPOCH
        fields = [
            book, stream, version, kind, schema, str(since_1970),
            correlation or "", causation or "", actor, reason or "",
            str(len(names)), *chain.from_iterable(zip(names, codes, numbers, strict=True)), data,
        ]
        text = "".join(fields)
    # fmt: on
    except (TypeError, ValueError):  # NULL where the schema has none, or what `add` raises
        return None
    # Lengths are of bytes; of characters too, as long as all are ASCII.
    lengths = list(map(len, fields)) if text.isascii() else [len(each.encode()) for each in fields]
    if correlation is None:
        lengths[6] = -1
    if causation is None:
        lengths[7] = -1
    if reason is None:
        lengths[9] = -1
    return sha256(_packed(len(fields))(len(fields), *lengths) + text.encode()).digest()


@lru_cache(maxsize=100_000)
def _words(array: str) -> list[str]:
    """Of accounts and currencies, which come again and again. The list is everybody's: not to be changed."""
    return array[1:-1].split(",")


@cache
def _packed(count: int) -> Callable[..., bytes]:
    """Packs the number of fields and their lengths: big-endian 32-bit integers."""
    return Struct(f">{count + 1}i").pack
