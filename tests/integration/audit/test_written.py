"""What PostgreSQL writes out in text is what the fast leaf takes it for, whatever stands in the fields."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import asyncpg

from libs.eventstore.ledger import open_ledger
from libs.eventstore.model import Appended, Change, Meta, NewEvent, Unit
from libs.ledger.journal import Posting, Postings
from services.audit.proofs.book import recomputed
from services.audit.proofs.verify import verify
from tests.integration.eventstore.units import NOON
from tests.unit.audit.rows import array

UGLY = (
    "",
    " ",
    "\\",
    "\\\\N",
    "\\N",
    "\t",
    "\n",
    "\r\n",
    '"',
    "'",
    "{}",
    "NULL",
    "ä",
    "€",
    "\U0001d518",
    "a\u0301",
    "$1",
    "%s",
    "-1",
)
WEI = 10**35 + 1


def postings(*amounts: int) -> Postings:
    return tuple(Posting("stripe:platform" if n % 2 else "expense:gas", "ETH@1", x) for n, x in enumerate(amounts))


async def test_whatever_may_stand_in_an_event_is_proven(every_database_url: str) -> None:
    entries = [(), postings(WEI, -WEI), postings(1, 2, 3, -6), postings(-1, 1)]
    units = []
    for number, ugly in enumerate(UGLY):
        meta = Meta(ugly, *(None if number % 3 == n else UGLY[number - n] for n in range(3)))
        events = [
            NewEvent(ugly, f'{{"n": "{ord(x)}", "€": 1.50 }}', NOON, entry, 7) for entry in entries for x in "ä\n"
        ]
        units.append(Unit([Change(f"payment-{uuid4()}", 0, events)], meta))
    async with open_ledger(every_database_url, None) as ledger:
        assert [each for each in await ledger.store.append(units) if not isinstance(each, Appended)] == []
        found = await verify(ledger)
        assert (found.faults, found.position) == ([], len(UGLY) * 8)
        assert await recomputed(ledger, found.position) == await ledger.store.balances()


async def test_arrays_are_written_as_by_postgresql(every_database_url: str) -> None:
    connection = await asyncpg.connect(every_database_url)
    try:
        columns: Sequence[Sequence[object]] = [
            [],
            [None],
            ["a", None],
            [[" a"], ["b,c"]],
            *([each, "a"] for each in UGLY),
            ["[0:1]={a}", "null", "Null"],
        ]
        for column in columns:
            assert array(column) == await connection.fetchval("select $1::text[]::text", column), column
    finally:
        await connection.close()
