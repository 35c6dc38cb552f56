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
from libs.eventstore.projector import Projection
from libs.ledger import chart
from services.payout_scheduler.domain.payout import PAYOUT

SQL: Final = queries.load(Path(__file__).parents[1] / "sql" / "wallets.sql")
_AVAILABLE: Final = re.compile(re.escape(chart.seller_available("{}")).replace(r"\{\}", "(.+)"))


class Purse(NamedTuple):
    """One currency of a wallet."""

    seller: str
    currency: str


def projection() -> Projection:
    return Projection("wallets", {"wallets": (), "wallet_entries": ()}, None, apply)


async def apply(connection: Any, events: Sequence[Recorded]) -> None:
    changes = [(event, purse, change) for event in events for purse, change in changes_of(event).items() if change]
    if not changes:
        return
    sellers = list({purse.seller for _, purse, _ in changes})
    rows = await connection.fetch(SQL.balances, sellers)
    balances = Counter({Purse(row["seller"], row["currency"]): row["balance_minor"] for row in rows})
    earned = Counter({Purse(row["seller"], row["currency"]): row["earned_minor"] for row in rows})
    entries = []
    for event, purse, change in changes:
        before, balances[purse] = balances[purse], balances[purse] + change
        if event.kind != PAYOUT.kind:  # a payout that comes back is not earned again
            earned[purse] += change
        what = (event.type, event.stream, event.correlation_id, event.effective_at)
        entries.append((purse.seller, event.position, purse.currency, change, before, before + change, *what))
    touched = {purse for _, purse, _ in changes}
    await connection.executemany(SQL.wallet, [(*purse, balances[purse], earned[purse]) for purse in touched])
    await connection.executemany(SQL.entry, entries)


def changes_of(event: Recorded) -> Counter[Purse]:
    """What an event does to wallets. In the seller's eyes: more is positive, although to us it is a liability."""
    changes: Counter[Purse] = Counter()
    for account, currency, amount_minor in event.postings:
        if match := _AVAILABLE.fullmatch(account):
            changes[Purse(match[1], currency)] -= amount_minor
    return changes
