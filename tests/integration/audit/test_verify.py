"""Whatever an owner of the database can do to the book with the triggers out of the way, `verify` shows."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from libs.eventstore.leaves import leaf_of_recorded
from libs.eventstore.ledger import Ledger
from libs.eventstore.store import recorded
from libs.ledger.errors import NotFound
from services.audit.jobs import Jobs
from services.audit.proofs.progress import Step
from services.audit.proofs.verify import Verification, verify
from tests.integration.eventstore.units import NOON, capture, hold, unit


async def forge(owner: Ledger, *statements: str) -> None:
    async with owner.pool.acquire() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")  # no trigger fires
        for statement in statements:
            await connection.execute(statement)


async def faults(ledger: Ledger) -> list[tuple[str, int | None]]:
    return [(fault.code, fault.position) for fault in (await verify(ledger)).faults]


async def test_an_untouched_book_holds(written: Ledger, ledger: Ledger) -> None:
    found = await verify(ledger)
    assert found.ok
    assert (found.position, found.block) == (10, 4)
    assert found.head == (await written.pool.fetchval("select head from ledger.books")).hex()


async def test_an_empty_book_holds(ledger: Ledger) -> None:
    assert (await verify(ledger)).json()["ok"] is True


async def test_a_book_that_does_not_exist_is_not_found(written: Ledger) -> None:
    with pytest.raises(NotFound):
        await verify(Ledger(written.pool, type(written.store)(written.pool, 9), written.writer, written.feed))


async def test_a_long_book_holds_across_slices_and_tells_how_far_it_is(owner: Ledger, ledger: Ledger) -> None:
    for size in (900, 1, 900, 950):
        await owner.store.append([unit(capture()) for _ in range(size)])
    told: list[Step] = []
    assert (await verify(ledger, progress=told.append)).ok
    assert [step.done for step in told] == [1000, 2000, 2751]
    assert all(step.total == 2751 and step.per_second > 0 for step in told)

    await forge(owner, "update ledger.events set reason = 'another' where position = 2700")
    assert await faults(ledger) == [("event_changed", 2700)]


async def test_a_book_that_grows_meanwhile_is_verified_up_to_where_it_stood(owner: Ledger, ledger: Ledger) -> None:
    enough = asyncio.Event()

    async def grow() -> None:
        while not enough.is_set():
            await owner.store.append([unit(capture(5), hold(3)) for _ in range(20)])

    growing = asyncio.create_task(grow())
    found: list[Verification] = []
    while len({each.position for each in found}) < 4:
        found.append(await verify(ledger))
    enough.set()
    await growing
    assert [each.faults for each in found if not each.ok] == []


@pytest.mark.parametrize(
    "change",
    [
        "stream = 'payment-0'",
        "version = 7",
        "type = 'PaymentRefunded'",
        "schema_version = 2",
        "effective_at = effective_at + interval '1 microsecond'",
        "effective_at = 'infinity'",
        "correlation_id = null",
        "causation_id = ''",
        "actor = 'x'",
        "reason = null",
        "accounts = array['stripe:platform', 'escrow:held']",
        "currencies = array['EUR', 'EUR']",
        "amounts = array[1000000, -1000000]",
        "amounts = array[300]",
        'data = \'{"note": "x", "amount": 1.5}\'',
        "leaf = sha256('')",
    ],
)
async def test_a_changed_field_is_found(written: Ledger, ledger: Ledger, change: str) -> None:
    await forge(written, f"update ledger.events set {change} where position = 6")
    assert await faults(ledger) == [("event_changed", 6)]


async def test_a_changed_amount_with_its_hash_and_balances_made_good_is_found(written: Ledger, ledger: Ledger) -> None:
    await forge(
        written,
        "update ledger.events set amounts = array[900, -900] where position = 6",
        "update ledger.balances set amount = amount + 600 where account = 'stripe:platform'",
        "update ledger.balances set amount = amount - 600 where account = 'funds:unallocated'",
    )
    [event], _ = await written.feed.read(5, through=6)
    await forge(written, rf"update ledger.events set leaf = '\x{leaf_of_recorded(event).hex()}' where position = 6")
    found = await verify(ledger)
    assert [(fault.code, fault.position, fault.block) for fault in found.faults] == [("block_changed", 6, 3)]


async def test_a_deleted_event_is_found(written: Ledger, ledger: Ledger) -> None:
    await forge(written, "delete from ledger.events where position = 7")
    assert await faults(ledger) == [("event_missing", 7)]


async def test_an_inserted_event_is_found(written: Ledger, ledger: Ledger) -> None:
    await forge(
        written,
        *(f"update ledger.events set position = {n + 1} where position = {n}" for n in range(10, 6, -1)),
        "insert into ledger.events select book, 7, stream, 99, type, schema_version, recorded_at, effective_at,"
        " correlation_id, causation_id, actor, reason, accounts, currencies, amounts, data, leaf"
        " from ledger.events where position = 6",
        "update ledger.books set position = 11",
        "update ledger.blocks set last_position = 10 where block = 3",
        "update ledger.blocks set first_position = 11, last_position = 11 where block = 4",
    )
    assert await faults(ledger) == [("event_changed", 7)]
    row = await written.pool.fetchrow("select * from ledger.events where position = 7")
    assert row is not None
    leaf = leaf_of_recorded(recorded(row)).hex()
    await forge(written, rf"update ledger.events set leaf = '\x{leaf}' where position = 7")
    assert await faults(ledger) == [("block_changed", 6)]


@pytest.mark.parametrize("position", [0, -1, 11])
async def test_an_event_outside_the_book_is_found(written: Ledger, ledger: Ledger, position: int) -> None:
    await forge(
        written,
        f"insert into ledger.events select book, {position}, stream, 99, type, schema_version, recorded_at,"
        " effective_at, correlation_id, causation_id, actor, reason, accounts, currencies, amounts, data, leaf"
        " from ledger.events where position = 6",
    )
    assert await faults(ledger) == [("event_outside", position)]


async def test_a_block_outside_the_book_is_found(written: Ledger, ledger: Ledger) -> None:
    await forge(
        written, "insert into ledger.blocks select book, 5, 11, 11, sealed_at, hash, hash from ledger.blocks limit 1"
    )
    assert await faults(ledger) == [("block_outside", 10)]


async def test_swapped_events_are_found(written: Ledger, ledger: Ledger) -> None:
    def swap(a: int, b: int) -> list[str]:
        return [
            f"update ledger.events set position = -{a} where position = {a}",
            f"update ledger.events set position = {a} where position = {b}",
            f"update ledger.events set position = {b} where position = -{a}",
        ]

    await forge(written, *swap(7, 8))
    assert await faults(ledger) == [("block_changed", 6)]
    await forge(written, *swap(7, 8), *swap(4, 6))
    assert await faults(ledger) == [("event_moved", 4)]


async def test_a_moved_time_of_recording_is_found(written: Ledger, ledger: Ledger) -> None:
    await forge(
        written, "update ledger.events set recorded_at = recorded_at + interval '1 microsecond' where position = 8"
    )
    assert await faults(ledger) == [("event_moved", 8)]


async def test_a_cut_tail_is_found(written: Ledger, ledger: Ledger) -> None:
    await forge(written, "delete from ledger.events where position > 8")
    assert await faults(ledger) == [("tail_missing", 9)]
    await forge(written, "delete from ledger.events where position > 5", "delete from ledger.blocks where block > 2")
    assert [code for code, _ in await faults(ledger)] == ["block_missing"]


async def test_a_cut_tail_is_found_even_when_the_book_was_wound_back(written: Ledger, ledger: Ledger) -> None:
    await forge(
        written,
        "delete from ledger.events where position > 5",
        "delete from ledger.blocks where block > 2",
        "update ledger.books set position = 5, block = 2, head = (select hash from ledger.blocks where block = 2),"
        " sealed_at = (select sealed_at from ledger.blocks where block = 2)",
    )
    assert [code for code, _ in await faults(ledger)] == ["balance_changed"] * 3


async def test_a_forged_block_is_found(written: Ledger, ledger: Ledger) -> None:
    await forge(written, "update ledger.blocks set hash = sha256('') where block = 2")
    assert await faults(ledger) == [("block_changed", 5)]
    await forge(written, "delete from ledger.blocks where block = 2")
    assert await faults(ledger) == [("block_missing", 5)]


@pytest.mark.parametrize(
    "change",
    [
        "update ledger.balances set amount = amount + 1 where account = 'stripe:platform'",
        "delete from ledger.balances where account = 'escrow:held'",
        "insert into ledger.balances values (1, 'revenue:commission', 'USD', -1, 0)",
    ],
)
async def test_a_changed_balance_is_found(written: Ledger, ledger: Ledger, change: str) -> None:
    await written.pool.execute(change)  # no trigger guards balances: they follow from the events
    found = await verify(ledger)
    assert [fault.code for fault in found.faults] == ["balance_changed"]
    assert any(account in found.faults[0].text for account in ("stripe:platform", "escrow:held", "revenue:commission"))


async def test_the_job_fails_while_there_are_faults(written: Ledger, ledger: Ledger) -> None:
    said: list[str] = []
    good = await Jobs(ledger).verify(NOON, said.append)
    assert (good["done"], good["left"]) == (10, 0)
    assert said[0].startswith("10 of 10 events verified")
    await forge(written, "update ledger.events set actor = 'x' where position = 1")
    bad = await Jobs(ledger).verify(NOON, said.append)
    assert bad["left"] == 1
    assert bad["faults"][0]["position"] == 1


async def test_the_audit_may_read_and_nothing_else(written: Ledger, ledger: Ledger) -> None:
    for statement in (
        "update ledger.balances set amount = 0",
        "delete from ledger.events",
        "insert into ledger.books values (3)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ledger.pool.execute(statement)
    with pytest.raises(Exception, match="may not write"):
        await ledger.store.append([unit(capture())])
