"""Read models: wallets add up, and a rebuild equals what is live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from libs.eventstore.projector import Projection
from services.payout_scheduler.views import rows
from tests.integration.payout_scheduler.desk import BAD_BANK, GOOD_BANK, MONDAY, Desk, now


async def _a_busy_day(desk: Desk) -> None:
    """A bit of everything, some of it left half done."""
    await desk.ready(bank=BAD_BANK)
    await desk.register("bert")
    await desk.hold("A-1", anna=10_000, bert=4_000)
    await desk.hold("A-2", anna=2_000)
    await desk.release("A-1", "anna", 10_000)
    await desk.release("A-1b", "bert", 4_000)
    await desk.refund("A-2", 2_000)
    await desk.payouts_due()
    await desk.pass_days(3)
    await desk.onboard(bank=GOOD_BANK)
    await desk.http.put("/sellers/bert/schedule", json={"frequency": "daily"})
    await desk.twin.fault("payouts.create", "timeout_before_effect")
    await desk.payouts_due(now().replace(year=now().year + 1))
    await desk.twin.fault("transfers.create", "timeout_after_effect")
    await desk.release("A-3", "anna", 3_000)
    await desk.claw_back("A-3", "anna", 400)
    await desk.claw_back("A-1", "anna", 5_000)
    await desk.work()
    await desk.release("A-4", "anna", 9_000)
    await desk.release("A-5", "bert", 1_000)
    await desk.claw_back("A-5", "bert", 900)
    await desk.refund_part("A-6", "bert", 300)
    await desk.work()


async def _rows(desk: Desk, projection: Projection) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for table, own_business in projection.tables.items():
        rows = await desk.ledger.pool.fetch(f"select * from {table}")
        kept = [{name: value for name, value in row.items() if name not in own_business} for row in rows]
        found[table] = sorted(kept, key=repr)
    return found


async def _assert_rebuilt(desk: Desk, slice_events: int) -> None:
    for projector in desk.service.projections:
        projection = projector.projection
        live = await _rows(desk, projection)
        assert any(live.values()) or projection.name == "reconciliation"  # a day may book nothing
        head, book = await desk.ledger.feed.head(), desk.ledger.store.book
        async with desk.ledger.pool.acquire() as connection, connection.transaction():
            for table in projection.tables:
                await connection.execute(f"delete from {table}")
            for after in range(0, head, slice_events):
                write = await projection.prepare(connection, book, after, min(after + slice_events, head))
                await write(connection)
        assert await _rows(desk, projection) == live


@pytest.mark.parametrize("slice_events", [1, 3, 10_000])
async def test_a_rebuild_equals_what_is_live_however_the_log_is_sliced(desk: Desk, slice_events: int) -> None:
    await _a_busy_day(desk)
    await _assert_rebuilt(desk, slice_events)


@pytest.mark.parametrize("slice_events", [1, 2, 10_000])
async def test_a_refund_concerns_the_holds_heard_of_before_it_alone(desk: Desk, slice_events: int) -> None:
    await desk.ready()
    await desk.hold("A-1", anna=10_000)
    await desk.release("A-1", "anna", 4_000)
    await desk.refund("A-1", 6_000)
    await desk.refund("A-2", 5_000)
    await desk.release("A-2", "anna", 5_000)
    found = await desk.ledger.pool.fetch("select released_minor, refunded from holds order by released_minor")
    assert [tuple(row) for row in found] == [(3_600, True), (4_500, False)]
    await _assert_rebuilt(desk, slice_events)


async def test_every_entry_has_the_balance_before_and_after(desk: Desk) -> None:
    await _a_busy_day(desk)
    page = await desk.get("/wallets/anna/entries", limit=200)
    entries = page["items"][::-1]
    assert [entry["event"] for entry in entries[:4]] == [
        "SomethingOfTheirs", "PayoutStarted", "PayoutFailed", "PayoutStarted",
    ]  # fmt: skip
    balance = 0
    for entry in entries:
        assert entry["before_minor"] == balance
        balance += entry["amount_minor"]
        assert entry["after_minor"] == balance
    assert balance == (await desk.wallet())["available"] == -await desk.balance("seller:anna:available")


async def test_entries_come_newest_first_page_by_page(desk: Desk) -> None:
    await _a_busy_day(desk)
    everything = (await desk.get("/wallets/anna/entries", limit=200))["items"]
    seen: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = await desk.get("/wallets/anna/entries", limit=2, **after)
        seen += page["items"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == everything
    assert len(seen) == 9
    assert (await desk.get("/wallets/anna/entries", currency="EUR"))["items"] == []


async def test_a_payout_that_comes_back_is_not_earned_twice(desk: Desk) -> None:
    await desk.ready(bank=BAD_BANK)
    await desk.release("A-1", "anna", 10_000)
    await desk.payouts_due(MONDAY)
    await desk.pass_days(3)
    assert (await desk.wallet())["earned"] == 9_000


async def test_the_migration_finds_in_the_log_what_older_rows_lack(desk: Desk) -> None:
    await _a_busy_day(desk)
    text = (Path(rows.__file__).parents[1] / "sql" / "002_clawbacks.sql").read_text()
    backfills = [each for each in text.split(";") if each.strip().startswith("update transfers")]
    assert len(backfills) == 2
    look = "select transfer_id, allocation_id, position, stripe_transfer from transfers order by transfer_id"
    async with desk.owner.pool.acquire() as connection:
        undone = connection.transaction()
        await undone.start()
        await connection.execute("set local search_path = payout_scheduler")
        live = await connection.fetch(look)
        await connection.execute(
            "alter table transfers alter allocation_id drop not null, alter position drop not null"
        )
        await connection.execute("update transfers set allocation_id = null, position = null, stripe_transfer = null")
        for each in backfills:
            await connection.execute(each)
        assert await connection.fetch(look) == live
        await undone.rollback()
    assert any(row["stripe_transfer"] for row in live)
