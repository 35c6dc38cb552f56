"""The store: `append` batches of units, read streams, balances and keys of one book."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import asyncpg

from libs.eventstore import queries
from libs.eventstore.batch import Batch, net, overdraws
from libs.eventstore.model import Duplicate, Key, Outcome, Recorded, Short, Unit
from libs.eventstore.pool import availability
from libs.ledger.errors import KeyReused, Rejected, Unavailable

SQL: Final = queries.load(Path(__file__).parent / "sql" / "queries.sql")
_MUST_SPLIT: Final = "HF004"


def recorded(row: asyncpg.Record) -> Recorded:
    """A row of `ledger.events` as an event."""
    return Recorded(*row.values())


class Store:
    """One book of the ledger over a pool. Safe for concurrent tasks; `Writer` gathers the appends of many callers."""

    def __init__(self, pool: asyncpg.Pool, book: int) -> None:
        self.pool = pool
        self.book = book

    async def append(self, units: Sequence[Unit]) -> list[Outcome]:
        """Store units in one round trip; an outcome for each, in order.

        One unit's conflict, duplicate or overdraft never fails its neighbours. Two units of one call must not touch the
        same stream or use the same key (`Writer` sees to it). Raises `Rejected` for a unit no store may take
        (unbalanced, unknown account) and `Unavailable`, after which the units may or may not have been stored: send
        them again with the same keys or expected versions.
        """
        batch = Batch(self.book, units)
        try:
            with availability():
                [row] = await self.pool.fetch(SQL.append, *batch.arguments)
        except asyncpg.CheckViolationError as error:
            if error.constraint_name != "overdraft":
                raise
            return await self._append_apart(units, overdraft=True)
        except asyncpg.PostgresError as error:
            if error.sqlstate == _MUST_SPLIT:
                return await self._append_apart(units)
            raise _refusal(error) from error
        return batch.outcomes(row["first_position"], json.loads(row["left_out"] or "[]"))

    async def _append_apart(self, units: Sequence[Unit], *, overdraft: bool = False) -> list[Outcome]:
        """Halve a batch until the unit that overdraws stands alone: only the order of units says which one it is."""
        if len(units) == 1 and overdraft:
            return [await self._shortage(units[0])]
        middle = len(units) // 2
        return [*await self.append(units[:middle]), *await self.append(units[middle:])]

    async def _shortage(self, unit: Unit) -> Short:
        """Which account a refused unit would overdraw; by now its balance may differ from the one that refused it."""
        for (account, currency), change in net(unit).items():
            if change:
                balance = await self.balance(account, currency)
                if overdraws(account, balance + change):
                    return Short(account, currency, balance)
        raise Unavailable("An overdraft was refused, but the money has arrived since; send the request again.")

    async def load(self, *streams: str) -> dict[str, list[Recorded]]:
        """All events of these streams, oldest first; an empty list for a stream that does not exist."""
        found: dict[str, list[Recorded]] = {stream: [] for stream in streams}
        with availability():
            for row in await self.pool.fetch(SQL.load_streams, self.book, list(streams)):
                found[row["stream"]].append(recorded(row))
        return found

    async def balance(self, account: str, currency: str) -> int:
        """The live balance in minor units, debit positive; 0 where nothing was ever posted."""
        with availability():
            return await self.pool.fetchval(SQL.balance, self.book, account, currency) or 0

    async def balances(self, like: str = "%") -> dict[tuple[str, str], int]:
        """Live balances by (account, currency) of the accounts that match an SQL LIKE pattern."""
        with availability():
            return {(a, c): amount for a, c, amount in await self.pool.fetch(SQL.balances, self.book, like)}

    async def find(self, key: Key) -> Duplicate | None:
        """Where the request with this key was stored, or None. Raises `KeyReused` when it was another request."""
        with availability():
            row = await self.pool.fetchrow(SQL.key, self.book, key.value)
        if row is None:
            return None
        if row["fingerprint"] != key.fingerprint:
            raise reused(key.value)
        return Duplicate(range(row["first_position"], row["last_position"] + 1))


def reused(key: str) -> KeyReused:
    return KeyReused(f"The key {key!r} was used for another request; take a new key for a new request.", key=key)


def _refusal(error: asyncpg.PostgresError) -> Exception:
    codes = {"HF001": "unbalanced", "HF002": "unknown_account", "HF003": "unknown_book", "42501": "forbidden"}
    code = codes.get(error.sqlstate)
    return Rejected(f"The ledger refuses this: {error.args[0]}.", code=code) if code else error
