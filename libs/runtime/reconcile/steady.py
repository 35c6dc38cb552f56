"""What an account held at a time in the past, by what it holds now and what has happened since."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from libs.ledger.errors import Unavailable

TRIES_MAX: Final = 10


class Change(NamedTuple):
    """A line of a statement, as far as the balance goes."""

    id: str
    currency: str
    amount_minor: int
    at: datetime


class Moving(Protocol):
    """An account that others go on working with."""

    async def newest(self) -> Change | None: ...

    async def held(self) -> Mapping[str, int]:
        """What it holds now by currency, available or not."""

    def before(self, line_id: str, after: datetime) -> AsyncIterator[Sequence[Change]]:
        """The changes before a line that came after a time, newest first."""


async def balances_at(account: Moving, at: datetime) -> Mapping[str, int]:
    """Raises `Unavailable` (`balance_moving`) where the balance never kept still between two looks."""
    newest, held = await _together(account)
    if newest is None or newest.at <= at:
        return held
    since = Counter({newest.currency: newest.amount_minor})
    async for page in account.before(newest.id, at):
        for change in page:
            since[change.currency] += change.amount_minor
    return {currency: held.get(currency, 0) - since[currency] for currency in {*held, *since}}


async def _together(account: Moving) -> tuple[Change | None, Mapping[str, int]]:
    """The balance with its newest line: a line that came between two looks may be in the balance or not."""
    before = await account.newest()
    for _ in range(TRIES_MAX):
        held, after = await account.held(), await account.newest()
        if after == before:
            return after, held
        before = after
    raise Unavailable("The balance changed each time it was read; reconcile at a quieter hour.", code="balance_moving")
