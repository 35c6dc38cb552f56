"""Rebuilding the entries of statements, beside the same rows inserted into the same table with nothing to compute.

Events have three postings each. Both sides begin with an empty table and end with a commit; ours makes one a slice.
"""

from __future__ import annotations

from typing import Final

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.projector import Projector
from services.audit.views import entries
from services.migrations import migrate_all
from tests.bench.growing import fill
from tests.bench.harness import Result, Side, in_turns
from tests.bench.server import tuned_postgres

EVENTS: Final = 100_000
TARGET_EVENTS_PER_SECOND: Final = 50_000


async def _emptied(owner: Ledger) -> None:
    await owner.pool.execute(
        "truncate audit.account_entries; delete from audit.checkpoints where name = 'account_entries'"
    )


async def run() -> list[Result]:
    async with tuned_postgres() as server:
        url = await server.create_database("bench")
        await migrate_all(url)
        async with open_ledger(url, None) as owner, open_ledger(url, "audit") as audit:
            await fill(owner, EVENTS)
            await owner.pool.execute("vacuum analyze ledger.events")
            projector = Projector(audit.pool, audit.feed, entries.projection())

            async def rebuilt(_: None) -> int:
                await _emptied(owner)
                await projector.catch_up()
                return EVENTS

            async def inserted(_: None) -> int:
                await _emptied(owner)
                await owner.pool.execute("insert into audit.account_entries select * from made")
                return EVENTS

            await rebuilt(None)
            # As the projection writes them: slice by slice, and in each by account.
            await owner.pool.execute("create table made as select * from audit.account_entries order by ctid")
            result = await in_turns(
                "account_entries",
                "events/s",
                Side(lambda: None, rebuilt),
                Side(lambda: None, inserted),
                rounds=3,
                postings=3,
                target=TARGET_EVENTS_PER_SECOND,
            )
            [counts] = await owner.pool.fetch(
                "select (select count(*) from audit.account_entries) as entries,"
                " (select sum(cardinality(accounts)) from ledger.events) as postings"
            )
            assert counts["entries"] == counts["postings"] == 3 * EVENTS
            return [result]
