"""The store: `append` batches of units, read streams, balances and keys of one book."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import asyncpg

from libs.eventstore import queries
from libs.eventstore.batch import Batch, net, overdraws
from libs.eventstore.model import Duplicate, Key, Outcome, Recorded, Refused, Short, Unit
from libs.eventstore.notifier import Notifier
from libs.eventstore.pool import availability
from libs.eventstore.refusals import blames_a_unit, in_words, refused
from libs.ledger.errors import KeyReused, NotFound, Rejected

SQL: Final = queries.load(Path(__file__).parent / "sql" / "queries.sql")
BATCH_UNITS_MAX: Final = 1_000
IN_FLIGHT_MAX: Final = 2
"""Batches under way at once: while the server stores one, we lay out the next and it reads that."""
LOOK_SECONDS: Final = 1.0
"""A batch leaps: it trusts that no key was used and no stream has moved on, which indexes check anyhow. For so long
after a leap that failed, every batch looks first: conflicts and repetitions come in swarms."""
_LOOK_FIRST: Final = frozenset({"23505", "HF005"})


def recorded(row: asyncpg.Record) -> Recorded:
    """A row of `ledger.events` as an event."""
    return Recorded._make(row)


class Store:
    """One book of the ledger over a pool. Safe for concurrent tasks; `Writer` gathers the appends of many callers."""

    def __init__(self, pool: asyncpg.Pool, book: int) -> None:
        self.pool = pool
        self.book = book
        self._notifier = Notifier(pool, book)
        self._look_until = 0.0

    async def append(self, units: Sequence[Unit]) -> list[Outcome]:
        """Store units, a thousand in a round trip; an outcome for each, in order.

        One unit's conflict, duplicate, overdraft or fault never fails its neighbours. Units of one call must not depend
        on each other, nor touch the same stream or use the same key (`Writer` sees to it): of more than a thousand, two
        batches are under way at a time. Raises `NotFound` (`unknown_book`) and `Unavailable`, after which the units may
        or may not have been stored: send them again with the same keys or expected versions.
        """
        slices = [units[start : start + BATCH_UNITS_MAX] for start in range(0, len(units), BATCH_UNITS_MAX)]
        if len(slices) == 1:
            return await self._store_sound(units)
        slots = asyncio.Semaphore(IN_FLIGHT_MAX)

        async def store(part: Sequence[Unit]) -> list[Outcome]:
            async with slots:
                return await self._store_sound(part)

        try:
            async with asyncio.TaskGroup() as group:
                parts = [group.create_task(store(part)) for part in slices]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [outcome for part in parts for outcome in part.result()]

    async def _store_sound(self, units: Sequence[Unit]) -> list[Outcome]:
        """Keep from the database what it would refuse with the whole batch."""
        refusals = [refused(unit) for unit in units]
        if not any(refusals):
            return await self._store(units)
        sound = [unit for unit, refusal in zip(units, refusals, strict=True) if refusal is None]
        stored = iter(await self._store(sound) if sound else ())
        return [refusal or next(stored) for refusal in refusals]

    async def _store(self, units: Sequence[Unit], *, look: bool = False) -> list[Outcome]:
        look = look or time.monotonic() < self._look_until
        try:
            batch = Batch(self.book, units)
            with availability():
                [row] = await self.pool.fetch(SQL.append, *batch.arguments(look=look))
        except (Rejected, UnicodeEncodeError, asyncpg.PostgresError) as error:
            if not look and getattr(error, "sqlstate", None) in _LOOK_FIRST:
                self._look_until = time.monotonic() + LOOK_SECONDS
                return await self._store(units, look=True)
            return await self._store_apart(units, error)
        if row["left_out"] is None:
            self._notifier.grown()
            return batch.landed(row["first_position"])
        return await self._store_rest(units, batch.left_out(json.loads(row["left_out"])))

    async def _store_rest(self, units: Sequence[Unit], left_out: Mapping[int, Outcome]) -> list[Outcome]:
        """Nothing was stored, because of these; store the others."""
        rest = [unit for number, unit in enumerate(units) if number not in left_out]
        landed = iter(await self._store(rest, look=True) if rest else ())
        return [left_out[number] if number in left_out else next(landed) for number in range(len(units))]

    async def _store_apart(self, units: Sequence[Unit], error: Exception) -> list[Outcome]:
        """Halve a refused batch until the unit to blame stands alone: often only their order says which it is."""
        if len(units) > 1 and blames_a_unit(error):
            middle = len(units) // 2
            return [*await self._store(units[:middle]), *await self._store(units[middle:])]
        if isinstance(error, asyncpg.CheckViolationError) and error.constraint_name == "overdraft":
            # Where the money has arrived since the refusal, the unit is as good as new.
            return [await self._shortage(units[0]) or (await self._store(units))[0]]
        match in_words(error):
            case NotFound() as unknown_book:
                raise unknown_book from error
            case Rejected(code=code, text=text):
                return [Refused(code, text)]
        raise error

    async def _shortage(self, unit: Unit) -> Short | None:
        """Which account a unit would overdraw now; None when it would overdraw none any more."""
        for (account, currency), change in net(unit).items():
            if change:
                balance = await self.balance(account, currency)
                if overdraws(account, balance + change):
                    return Short(account, currency, balance)
        return None

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
