"""The postings of events, which PostgreSQL writes out as three arrays in text, summed to balances.

Which accounts an event posts to comes again and again, so that is read once and remembered (`Entry`). Amounts do not,
so those of a whole slice are read in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache, partial
from struct import Struct
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

Row = Any
"""A sequence, whether it comes from the driver or from a test."""

ENTRIES_MAX: Final = 50_000
"""Entries to remember: some 40 MB."""

_GAP: Final = 0


class Entry(NamedTuple):
    """What the accounts and currencies of an event say, and what a leaf writes of them.

    `written` is the text of the number of postings and of all postings, with a `%s` for each amount. `sizes` are the
    lengths of these fields in bytes; the entry is everybody's, so each event writes those of its own amounts over the
    last one's, into `sizes[3::3]`. `pack` packs the header of a leaf. `slots` are those of a `Tally`.
    """

    written: str
    sizes: list[int]
    pack: Callable[..., bytes]
    slots: tuple[int, ...]


class Tally:
    """Balances in the making. Every (account, currency) has a slot, the index of its sum: a pair would be hashed anew
    for every posting.
    """

    def __init__(self, balances: Mapping[tuple[str, str], int] | None = None) -> None:
        """Begins with these balances, in minor units."""
        self._sums = list(balances.values()) if balances else []
        self._slots = {pair: slot for slot, pair in enumerate(balances or ())}
        self.entry = lru_cache(ENTRIES_MAX)(partial(_entry, self._slots, self._sums))

    @property
    def balances(self) -> dict[tuple[str, str], int]:
        """Minor units by (account, currency), debit positive."""
        return dict(zip(self._slots, self._sums, strict=True))

    def add(self, slots: Iterable[int], amounts_minor: Iterable[int]) -> None:
        """Add the postings of any number of events, in two columns."""
        sums = self._sums
        for slot, amount in zip(slots, amounts_minor, strict=True):
            sums[slot] += amount

    def add_written(self, rows: Iterable[Row]) -> None:
        """Add the rows of the statement `postings`.

        Raises `TypeError` or `ValueError`, and adds nothing, if one is not what a store can have written.
        """
        slots: list[int] = []
        texts: list[str] = []
        entry = self.entry
        for _, accounts, currencies, amounts in rows:
            found = entry(accounts, currencies).slots
            if amounts != "{}":
                # Commas part nothing but numbers: `whole_numbers` refuses whatever else could hold one.
                if amounts.count(",") + 1 != len(found):
                    raise ValueError("ragged postings")
                slots += found
                texts.append(amounts[1:-1])
            elif found:
                raise ValueError("ragged postings")
        self.add(slots, whole_numbers(texts))


def _entry(slots: dict[tuple[str, str], int], sums: list[int], accounts: str, currencies: str) -> Entry:
    """Raises `TypeError` or `ValueError` for what cannot be the accounts and currencies of an event.

    Nothing is unquoted. What PostgreSQL would quote, brace or call NULL cannot be an account or a currency of ours; and
    since it writes no two arrays alike and joining reverses splitting, no two give the same words: a forged array gives
    a wrong leaf, however its quotes and commas are set.
    """
    pairs = list(zip(words(accounts), words(currencies), strict=True))
    count = str(len(pairs))
    sizes = [len(count)]
    for account, currency in pairs:
        sizes += len(account.encode()), len(currency.encode()), _GAP
    written = "".join(f"{account}{currency}".replace("%", "%%") + "%s" for account, currency in pairs)
    found = tuple([slots.setdefault(pair, len(slots)) for pair in pairs])
    sums += [0] * (len(slots) - len(sums))
    return Entry(count + written, sizes, _packer(1 + 10 + len(sizes) + 1), found)


def words(array: str) -> list[str]:
    """The elements of an array in text, as they are written."""
    return array[1:-1].split(",") if array != "{}" else []


def whole_numbers(texts: Sequence[str]) -> list[int]:
    """The numbers in texts of one or more, parted by commas. Raises `ValueError` for any that is not whole.

    Read as JSON, in a third of the time that `int` takes for each; of any length, as wei need.
    """
    numbers: list[int] = from_json(f"[{','.join(texts)}]")
    if len(numbers) < len(texts) or not {*map(type, numbers)} <= {int}:
        raise ValueError("an amount that is no whole number")
    return numbers


@cache
def _packer(count: int) -> Callable[..., bytes]:
    """Packs as many big-endian 32-bit integers."""
    return Struct(f">{count}i").pack
