"""What a journal is made of, whichever tool reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple, Protocol

from services.audit.proofs.book import Balances


class Transaction(NamedTuple):
    """A dated, balanced entry. `title`, `note` and `tags` hold nothing that a tool could misread."""

    day: date
    title: str
    note: str
    tags: Mapping[str, str | int]
    postings: Sequence[tuple[str, str, int]]


class Syntax(Protocol):
    """How one tool writes it."""

    def head(self, title: str) -> str:
        """The beginning of the file."""

    def transaction(self, entry: Transaction) -> str:
        """One transaction, with amounts in major units, to the last digit that its currency has."""

    def closing(self, first: date, last: date, balances: Balances) -> str:
        """The accounts and currencies used, and an assertion of every balance after the last of the days."""


def currencies(balances: Balances) -> list[str]:
    return sorted({currency for _, currency in balances})
