"""The balances with which a month was closed, listed in events of bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from libs.ledger.decider import Event

LINES_MAX: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One account in one currency over a month, in minor units: balances debit positive, turnovers never negative."""

    account: str
    currency: str
    opening_minor: int
    debit_minor: int
    credit_minor: int
    closing_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """One currency over a month, in minor units: what was debited and credited, and the closing balances by side."""

    currency: str
    debit_minor: int
    credit_minor: int
    closing_debit_minor: int
    closing_credit_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancesSealed(Event):
    """A part of the balances with which a month was closed for the `closing`-th time, by currency and account.

    An account that none of the `parts` lists had no balance and no turnover.
    """

    month: str
    closing: int
    part: int
    parts: int
    lines: tuple[Line, ...]


def sheet_id(book: int, month: str, closing: int) -> UUID:
    """The stream (kind `period`) of one closing's parts.

    Apart from the stream in which months are closed, because that one is read for every command and must not grow with
    the number of accounts. One a closing: a month that was reopened is sealed anew, and both sheets stay.
    """
    return uuid5(NAMESPACE_OID, f"holdfast/period/{book}/{month}/{closing}")


def parts(lines: Sequence[Line]) -> Iterator[tuple[Line, ...]]:
    """The lines in parts that fit into an event."""
    for start in range(0, len(lines), LINES_MAX):
        yield tuple(lines[start : start + LINES_MAX])


def totals(lines: Iterable[Line]) -> tuple[Total, ...]:
    """The sums of each currency, in order of currencies."""
    sums: dict[str, list[int]] = {}
    for line in lines:
        sides = (line.debit_minor, line.credit_minor, max(line.closing_minor, 0), max(-line.closing_minor, 0))
        so_far = sums.get(line.currency, [0, 0, 0, 0])
        sums[line.currency] = [total + side for total, side in zip(so_far, sides, strict=True)]
    return tuple(
        Total(
            currency=currency,
            debit_minor=debit,
            credit_minor=credit,
            closing_debit_minor=closing_debit,
            closing_credit_minor=closing_credit,
        )
        for currency, (debit, credit, closing_debit, closing_credit) in sorted(sums.items())
    )
