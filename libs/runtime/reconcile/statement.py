"""What reconciliation asks of a card processor: one account's statement, in the ledger's words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from libs.ledger.reconciliation import Line


class Statement(Protocol):
    """All methods raise `Refused`, `TurnedAway` or `Unknown`; of an account that is not ours to read, the second."""

    def pages(self, since: datetime | None, until: datetime) -> AsyncIterator[Sequence[Line]]:
        """The lines that this service examines, of that time, newest first."""

    async def lines_of(self, source: str) -> Sequence[Line]:
        """All such lines of one object, of any time. Where there is no such object: none, or `resource_missing`."""


BalancesAt = Callable[[datetime], Awaitable[Mapping[str, int]]]
"""What an account held at a time, by currency, available or not. Raises also `Unavailable` (`balance_moving`)."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account at the processor, by the ledger's name of it. Where there is `balances_at`, what it held is compared,
    too; `always`: and reported even where it agrees.
    """

    name: str
    statement: Statement
    balances_at: BalancesAt | None = None
    always: bool = False


Accounts = Callable[[], Awaitable[Sequence[Account]]]
Charge = Callable[[Sequence[Line]], Awaitable[Sequence[Line]]]
"""Books the fees among some lines that are not booked yet; returns those that it booked."""
