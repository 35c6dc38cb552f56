"""Whatever an owner of the database can do to the book with the triggers out of the way, `verify` shows."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Refused
from libs.ledger.errors import NotFound
from services.audit.jobs import Jobs
from services.audit.proofs.progress import Step
from services.audit.proofs.verify import Verification, verify
from tests.integration.audit.forgery import forge
from tests.integration.eventstore.units import NOON, capture, hold, unit


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
    assert [step.done for step in told] == [901, 1801, 2751]  # slices end with blocks where they can
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


CHANGES = (
    "stream = 'payment-0'",
    "version = 7",
    "type = 'PaymentRefunded'",
    "schema_version = 2",
    "effective_at = effective_at + interval '1 microsecond'",
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
)


async def test_a_change_of_any_field_is_found(written: Ledger, ledger: Ledger) -> None:
    await written.pool.execute("create table public.saved as select * from ledger.events where position = 6")
    for change in CHANGES:
        await forge(written, f"update ledger.events set {change} where position = 6")
        assert await faults(ledger) == [("event_changed", 6)], change
        await forge(
            written,
            "delete from ledger.events where position = 6",
            "insert into ledger.events select * from public.saved",
        )
    assert await faults(ledger) == []


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
    [outcome] = await ledger.store.append([unit(capture())])
    assert isinstance(outcome, Refused)
    assert outcome.code == "forbidden"
