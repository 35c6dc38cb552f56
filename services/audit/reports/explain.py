"""Why does an account stand where it stands? The events behind a balance, by type and one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from services.audit.reports.accounts import Account, account_of, balance_through, known_through
from services.audit.reports.moments import NOW, SQL, AsOf, resolve
from services.audit.reports.plain import plain

Order = Literal["largest", "latest"]


@dataclass(frozen=True, slots=True)
class Group:
    """What all events of one type contribute. Minor units, debit positive."""

    type: str
    events: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one event contributes, all its postings on the account together. Minor units, debit positive."""

    position: int
    recorded_at: datetime
    effective_at: datetime
    type: str
    stream: str
    correlation_id: str | None
    actor: str
    reason: str | None
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """A balance as of a position, of what took effect by `effective_by` (None: all), and what it is made of.

    `balance_minor` is not the sum of the groups but the running balance, less what is not effective yet. `unlisted`
    is what the events beyond the limit contribute.
    """

    account: Account
    position: int
    effective_by: datetime | None
    balance_minor: int
    groups: Sequence[Group]
    contributions: Sequence[Contribution]

    @property
    def explained_minor(self) -> int:
        return sum(group.amount_minor for group in self.groups)

    @property
    def adds_up(self) -> bool:
        """Whether the events come to the balance, to the last minor unit."""
        return self.explained_minor == self.balance_minor

    @property
    def unlisted(self) -> Group:
        """The events that are counted above and not listed below."""
        events = sum(group.events for group in self.groups) - len(self.contributions)
        listed = sum(each.amount_minor for each in self.contributions)
        return Group("unlisted", events, self.explained_minor - listed)

    def json(self) -> dict[str, Any]:
        account = {"account": self.account.name, "kind": self.account.kind, "currency": self.account.currency}
        sums = {"explained_minor": self.explained_minor, "unlisted": self.unlisted}
        return {"adds_up": self.adds_up, **plain(self), **account, **plain(sums)}


async def explain(
    ledger: Ledger,
    account: str,
    currency: str | None = None,
    as_of: AsOf = NOW,
    *,
    order: Order = "largest",
    limit: int = 20,
) -> Explanation:
    """The events behind a balance; the `limit` largest, or latest, of them one by one.

    Raises what `account_of`, `resolve` and `known_through` raise.
    """
    moment = await resolve(ledger, as_of)
    await known_through(ledger, moment.position)
    concerned = await account_of(ledger, account, currency)
    balance_minor = await balance_through(ledger, concerned, moment.position)
    bounds = (concerned.name, concerned.currency, moment.position, moment.effective_by)
    with availability():
        if moment.effective_by is not None:
            balance_minor -= await ledger.pool.fetchval(SQL.postponed, *bounds)
        groups = [Group(*row.values()) for row in await ledger.pool.fetch(SQL.groups, *bounds)]
        rows = await ledger.pool.fetch(SQL.contributions, ledger.store.book, *bounds, order == "largest", limit)
    contributions = [Contribution(*row.values()) for row in rows]
    return Explanation(concerned, moment.position, moment.effective_by, balance_minor, groups, contributions)
