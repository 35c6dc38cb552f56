"""One account in one currency, and how far the read model that knows its entries has come."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from libs.ledger import chart, money
from libs.ledger.errors import NotFound, Rejected, Unavailable
from services.audit.reports.moments import SQL

BEHIND_SECONDS_MAX: Final = 2.0
_LOOK_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the chart in one of its currencies; it need never have moved."""

    name: str
    kind: chart.Kind
    currency: str


async def account_of(ledger: Ledger, name: str, currency: str | None) -> Account:
    """Without a currency, the only one that the account ever moved in.

    Raises `NotFound` (`unknown_account`), `Rejected` (`currency_needed`, `unknown_currency`).
    """
    try:
        kind = chart.rule(name).kind
    except Rejected as error:
        raise NotFound(
            f"{error.text} `holdfast audit trial-balance` lists the accounts that have a balance.",
            code="unknown_account",
            account=name,
        ) from None
    if currency is not None:
        return Account(name, kind, money.currency(currency).code)
    with availability():
        found = [row["currency"] for row in await ledger.pool.fetch(SQL.currencies, name)]
    if len(found) != 1:
        moved = f"has moved in {', '.join(found)}" if found else "has never moved"
        raise Rejected(f"{name} {moved}; say which currency.", code="currency_needed", currencies=found)
    return Account(name, kind, found[0])


async def known_through(ledger: Ledger, position: int) -> None:
    """Return when the entries up to a position are there; raises `Unavailable` (`behind`) where that takes too long.

    The read model follows the log by a few hundredths of a second: a report that did not wait would be about another
    state than the one that was asked for.
    """
    deadline = time.monotonic() + BEHIND_SECONDS_MAX
    while True:
        with availability():
            reached = await ledger.pool.fetchval(SQL.entries_through) or 0
        if reached >= position:
            return
        if time.monotonic() > deadline:
            raise Unavailable(
                f"The audit's account entries end at position {reached}, and {position} is asked for. See that the "
                "audit service runs (`holdfast serve audit`), or ask as of an earlier position.",
                code="behind",
                position=reached,
            )
        await asyncio.sleep(_LOOK_SECONDS)


async def balance_through(ledger: Ledger, account: Account, position: int, line: int | None = None) -> int:
    """The running balance after a line of the event at a position, or after all of them; 0 before the first entry."""
    last = LINE_MAX if line is None else line
    with availability():
        return await ledger.pool.fetchval(SQL.balance_by_log, account.name, account.currency, position, last) or 0


LINE_MAX: Final = 2**15 - 1
