"""What may be asked of the read model of reconciliation. All raise `Unavailable`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from libs.eventstore.pool import availability
from libs.ledger.errors import NotFound
from libs.ledger.reconciled import Reconciled
from libs.ledger.reconciliation import Booking
from libs.runtime.reconcile.projection import SQL

REPORT: Final = TypeAdapter(Reconciled)


class Booked(NamedTuple):
    """Bookings by source, each in the order of the log; `through` is the position of the last one."""

    by_source: Mapping[str, Sequence[Booking]]
    through: int


class Stored(NamedTuple):
    """A report as it is kept. `position` is its place in lists."""

    id: UUID
    position: int
    report: Reconciled


class Reads:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def booked(self, account: str, sources: Collection[str], as_of: datetime) -> Booked:
        found: defaultdict[str, list[Booking]] = defaultdict(list)
        through = 0
        for row in await self._fetch(SQL.bookings, account, list(sources), as_of):
            plain = {name: row[name] for name in ("source", "currency", "at", "adjusts", "about")}
            amount_minor, pending_minor = int(row["amount_minor"]), int(row["pending_minor"])
            found[row["source"]].append(Booking(**plain, amount_minor=amount_minor, pending_minor=pending_minor))
            through = max(through, row["position"])
        return Booked(found, through)

    async def unsettled(self, account: str, as_of: datetime, *, after: str, limit: int) -> list[str]:
        """Objects of which no run has found both sides agreed since something was booked for them, in order."""
        return [row["source"] for row in await self._fetch(SQL.unsettled, account, as_of, after, limit)]

    async def unsettled_before(self, at: datetime, *, limit: int) -> int:
        """How many bookings are not settled, as far as `limit`."""
        [[count]] = await self._fetch(SQL.unsettled_before, at, limit)
        return int(count)

    async def settle(self, account: str, sources: Collection[str], as_of: datetime, through: int) -> None:
        with availability():
            await self._pool.execute(SQL.settle, account, list(sources), as_of, through)

    async def balances(self, account: str, at: datetime) -> dict[str, int]:
        """The account's balance by currency, of all that is effective by then."""
        return {row["currency"]: int(row["amount_minor"]) for row in await self._fetch(SQL.balances, account, at)}

    async def last_complete(self, as_of: datetime) -> Reconciled | None:
        rows = await self._fetch(SQL.last_complete, as_of)
        return REPORT.validate_json(rows[0]["report"]) if rows else None

    async def reports(self, *, after: int | None, limit: int) -> list[Stored]:
        """Newest first, from the one after the position `after`."""
        return [_stored(row) for row in await self._fetch(SQL.list_reports, after, limit)]

    async def report(self, reconciliation_id: UUID) -> Stored:
        """Raises `NotFound` (`unknown_reconciliation`)."""
        rows = await self._fetch(SQL.find_report, reconciliation_id)
        if not rows:
            raise NotFound(
                f"There is no reconciliation {reconciliation_id}; `holdfast job reconcile` makes them.",
                code="unknown_reconciliation",
            )
        return _stored(rows[0])

    async def _fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        with availability():
            return await self._pool.fetch(query, *arguments)


def _stored(row: asyncpg.Record) -> Stored:
    return Stored(row["reconciliation_id"], row["position"], REPORT.validate_json(row["report"]))
