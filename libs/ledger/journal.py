"""Postings and the one law about them: what an event posts sums to zero in every currency."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from libs.ledger import chart
from libs.ledger.errors import Rejected
from libs.ledger.money import currency


class Posting(NamedTuple):
    """One side of a journal entry. `amount_minor` is positive for a debit, negative for a credit."""

    account: str
    currency: str
    amount_minor: int


Postings = tuple[Posting, ...]

AMOUNT_BOUND: Final = 10**38
"""Amounts and balances are stored with 38 digits, enough for every token there is in wei."""


def entry(code: str, *, debit: dict[str, int], credit: dict[str, int]) -> Postings:
    """A journal entry in one currency from accounts to positive amounts; a zero line is left out."""
    return tuple(Posting(account, code, amount) for account, amount in debit.items() if amount) + tuple(
        Posting(account, code, -amount) for account, amount in credit.items() if amount
    )


def transfer(code: str, amount_minor: int, *, debit: str, credit: str) -> Postings:
    """The commonest entry: one amount from one account to another."""
    return entry(code, debit={debit: amount_minor}, credit={credit: amount_minor})


def check(postings: Iterable[Posting]) -> None:
    """Raise `Rejected` unless every account and currency is known, every amount an integer other than zero, and all
    sums to zero per currency (`unknown_account`, `unknown_currency`, `bad_amount`, `unbalanced`).
    """
    sums: dict[str, int] = {}
    for account, code, amount in postings:
        chart.rule(account)
        if (
            type(amount) is not int or not amount or not -AMOUNT_BOUND < amount < AMOUNT_BOUND
        ):  # bool is an int to isinstance
            raise Rejected(f"{amount!r} cannot be posted on {account}: whole minor units, not zero.", code="bad_amount")
        if code in sums:
            sums[code] += amount
        else:
            sums[currency(code).code] = amount
    if any(sums.values()):
        code, total = next((code, total) for code, total in sums.items() if total)
        raise Rejected(f"Postings in {code} sum to {total}, not to zero.", code="unbalanced", currency=code)
