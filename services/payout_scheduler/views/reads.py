"""What may be asked of the read models. Amounts in minor units. Raises `Unavailable`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

from libs.eventstore import queries
from libs.eventstore.pool import availability
from services.payout_scheduler.domain.payout import Claim
from services.payout_scheduler.handlers.payer import Due, UnderWay
from services.payout_scheduler.views.wallets import SQL as WALLETS

SQL: Final = queries.load(Path(__file__).parents[1] / "sql" / "queries.sql")
SENT_MAX: Final = 100
FIRST_PAYOUT: Final = UUID(int=0)
FIRST_WALLET: Final = ("", "")


class Sent(NamedTuple):
    """A transfer of which something is left. Without `stripe_transfer` it has not moved, as far as we know."""

    transfer_id: UUID
    stripe_transfer: str | None
    left_minor: int


class Views:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def sellers(self, *, after: str | None, limit: int) -> list[asyncpg.Record]:
        """Registered sellers by name, from the one after `after`."""
        return await self._fetch(SQL.list_sellers, after, limit)

    async def accounts(self) -> list[str]:
        """The connected accounts, but for those that disconnected."""
        return [row["account_id"] for row in await self._fetch(SQL.accounts)]

    async def seller_accounts(self) -> dict[str, str]:
        """The connected account of every seller, but for those that disconnected."""
        return {row["seller"]: row["account_id"] for row in await self._fetch(SQL.seller_accounts)}

    async def waiting_transfers(self, seller: str, *, limit: int) -> list[asyncpg.Record]:
        return await self._fetch(SQL.waiting_transfers, seller, limit)

    async def seller_of(self, account_id: str) -> str | None:
        """Whose account it is."""
        rows = await self._fetch(SQL.seller_of, account_id)
        return rows[0]["seller"] if rows else None

    async def clawbacks(
        self, *, seller: str | None, status: str | None, after: int | None, limit: int
    ) -> list[asyncpg.Record]:
        """Clawbacks, newest first, from the one after the position `after`."""
        return await self._fetch(SQL.list_clawbacks, seller, status, after, limit)

    async def sent(self, seller: str, currency: str, allocation_id: UUID) -> list[Sent]:
        """Where a clawback may find its money, in the order in which it is to look."""
        return [Sent(**row) for row in await self._fetch(SQL.sent, seller, currency, allocation_id, SENT_MAX)]

    async def release_unheard(self, allocation_id: UUID) -> bool:
        """Whether a clawback overtook the release that it is of."""
        [[unheard]] = await self._fetch(SQL.release_unheard, allocation_id)
        return bool(unheard)

    async def payouts(
        self, *, seller: str | None, status: str | None, after: int | None, limit: int
    ) -> list[asyncpg.Record]:
        """Payouts, newest first, from the one after the position `after`."""
        return await self._fetch(SQL.list_payouts, seller, status, after, limit)

    async def pending(self, seller: str) -> dict[str, int]:
        """Held for the seller in escrows, by currency."""
        return {row["currency"]: row["amount_minor"] for row in await self._fetch(WALLETS.pending, seller)}

    async def earned(self, seller: str) -> dict[str, int]:
        return {row["currency"]: row["earned_minor"] for row in await self._fetch(WALLETS.earned, seller)}

    async def paid(self, seller: str) -> dict[str, tuple[int, int]]:
        """By currency: what is in transit to the bank, and what has arrived in total."""
        rows = await self._fetch(WALLETS.payout_sums, seller)
        return {row["currency"]: (row["in_transit_minor"], row["withdrawn_minor"]) for row in rows}

    async def entries(
        self, seller: str, *, currency: str | None, after: tuple[int, str] | None, limit: int
    ) -> list[asyncpg.Record]:
        """A wallet's entries, newest first, from the one after `after` (position and currency)."""
        return await self._fetch(WALLETS.entries, seller, currency, *(after or (None, None)), limit)

    async def under_way(self, seller: str, currency: str) -> UnderWay:
        [row] = await self._fetch(SQL.under_way, seller, currency)
        return UnderWay(**row)

    async def retries(self, as_of: datetime, *, after: UUID, limit: int) -> list[Claim]:
        """What failed payouts claimed whose next try is due, in order of their ids."""
        return [Claim(**row) for row in await self._fetch(SQL.retries, as_of, after, limit)]

    async def due(self, slots: Mapping[str, str], frequency: str, *, after: tuple[str, str], limit: int) -> list[Due]:
        """Whose slot is open and unpaid. `slots` by frequency; `frequency` of those who chose none."""
        return [Due(**row) for row in await self._fetch(SQL.due, json.dumps(slots), frequency, *after, limit)]

    async def not_ready(self) -> int:
        """How many balances wait for their seller to become ready."""
        [[count]] = await self._fetch(SQL.not_ready)
        return int(count)

    async def _fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        with availability():
            return await self._pool.fetch(query, *arguments)
