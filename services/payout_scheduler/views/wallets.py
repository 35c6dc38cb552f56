"""Read model of wallets: every posting on `seller:{seller}:available`, by any service, with the balance around it.

Accounts are public vocabulary, other services' events are not: so this one looks at postings and at nothing else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from libs.eventstore import queries
from libs.eventstore.model import Recorded
from libs.eventstore.projector import EventProjection
from libs.eventstore.rows import write
from libs.ledger import chart
from services.payout_scheduler.domain.payout import PAYOUT

SQL: Final = queries.load(Path(__file__).parents[1] / "sql" / "wallets.sql")
_AVAILABLE: Final = re.compile(re.escape(chart.seller_available("{}")).replace(r"\{\}", "(.+)"))


class Purse(NamedTuple):
    """One currency of a wallet."""

    seller: str
    currency: str


def projection() -> EventProjection:
    return EventProjection("wallets", {"wallets": (), "wallet_entries": ()}, None, _Changes)


class _Changes:
    """What a slice of the log puts into wallets and takes out of them."""

    def __init__(self) -> None:
        self._changes: list[tuple[Recorded, Purse, int]] = []

    def add(self, recorded: Recorded) -> None:
        self._changes += [(recorded, purse, change) for purse, change in changes_of(recorded).items() if change]

    async def write(self, connection: Any) -> None:
        if self._changes:
            await _write(connection, self._changes)


async def _write(connection: Any, changes: Sequence[tuple[Recorded, Purse, int]]) -> None:
    sellers = list({purse.seller for _, purse, _ in changes})
    rows = await connection.fetch(SQL.balances, sellers)
    balances = Counter({Purse(row["seller"], row["currency"]): row["balance_minor"] for row in rows})
    earned = Counter({Purse(row["seller"], row["currency"]): row["earned_minor"] for row in rows})
    entries = []
    for event, purse, change in changes:
        before, balances[purse] = balances[purse], balances[purse] + change
        if event.kind != PAYOUT.kind:  # a payout that comes back is not earned again
            earned[purse] += change
        entries.append(
            {
                "seller": purse.seller,
                "position": event.position,
                "currency": purse.currency,
                "amount_minor": change,
                "before_minor": before,
                "after_minor": balances[purse],
                "event": event.type,
                "stream": event.stream,
                "about": event.correlation_id,
                "at": event.effective_at,
            }
        )
    wallets = [
        {
            "seller": purse.seller,
            "currency": purse.currency,
            "balance_minor": balances[purse],
            "earned_minor": earned[purse],
        }
        for purse in dict.fromkeys(purse for _, purse, _ in changes)
    ]
    await write(connection, SQL.put_wallets, wallets)
    await write(connection, SQL.add_entries, entries)


def changes_of(event: Recorded) -> Counter[Purse]:
    """What an event does to wallets. In the seller's eyes: more is positive, although to us it is a liability."""
    changes: Counter[Purse] = Counter()
    for account, currency, amount_minor in event.postings:
        if match := _AVAILABLE.fullmatch(account):
            changes[Purse(match[1], currency)] -= amount_minor
    return changes
