"""Rebuild equals live, on a read model made for the test in the audit's own schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Recorded
from libs.eventstore.projector import Projection, Projector
from libs.ledger.errors import Corrupt
from services.audit.proofs.progress import Step
from services.audit.proofs.replay import replay
from tests.integration.eventstore.units import capture, unit


async def apply(connection: Any, events: Sequence[Recorded]) -> None:
    await connection.executemany(
        "insert into posted (account, events, note) values ($1, 1, $2)"
        " on conflict (account) do update set events = posted.events + 1",
        [(account, event.data) for event in events for account in event.accounts],
    )
    await connection.executemany("insert into noted (type) values ($1)", [(event.type,) for event in events])


MODEL = Projection("posted", {"posted": ("attempts",), "noted": ()}, ("payment",), apply)


@pytest.fixture
async def live(written: Ledger, ledger: Ledger) -> Projector:
    """The read model up to date. `posted` has a key, a json column and one that workers own; `noted` repeats rows."""
    await written.pool.execute(
        "create table audit.posted (account text primary key, events integer not null check (events > 0), note json,"
        " attempts integer not null default 0);"
        "create table audit.noted (type text not null)"
    )
    projector = Projector(ledger.pool, ledger.feed, MODEL)
    await projector.catch_up()
    return projector


async def differences(ledger: Ledger) -> dict[str, tuple[int, int]]:
    found = await replay(ledger, [("audit", MODEL)])
    assert found.equal == all(each.equal for each in found.comparisons)
    return {each.name: (each.missing, each.surplus) for each in found.comparisons if not each.equal}


async def test_an_untouched_read_model_equals_its_rebuild(live: Projector, ledger: Ledger) -> None:
    told: list[Step] = []
    found = await replay(ledger, [("audit", MODEL)], progress=told.append)
    assert found.equal
    assert [(each.name, each.position, each.rows) for each in found.comparisons] == [
        ("ledger.balances", 10, 3),
        ("audit.posted", 10, 3),
        ("audit.noted", 10, 10),
    ]
    assert {step.what for step in told} == {"balances", "audit/posted"}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("update audit.posted set events = 99 where account = 'escrow:held'", {"audit.posted": (1, 1)}),
        (
            """update audit.posted set note = '{"note":"x", "amount":1.50}' where account = 'escrow:held'""",
            {"audit.posted": (1, 1)},
        ),
        ("update audit.posted set note = null where account = 'escrow:held'", {"audit.posted": (1, 1)}),
        ("delete from audit.posted where account = 'escrow:held'", {"audit.posted": (1, 0)}),
        ("insert into audit.posted values ('expense:gas', 1, null)", {"audit.posted": (0, 1)}),
        ("insert into audit.noted select type from audit.noted limit 1", {"audit.noted": (0, 1)}),
        (
            "update ledger.balances set amount = amount + 1 where account = 'stripe:platform'",
            {"ledger.balances": (1, 1)},
        ),
    ],
)
async def test_every_difference_is_found_and_shown(
    live: Projector, written: Ledger, ledger: Ledger, statement: str, expected: dict[str, tuple[int, int]]
) -> None:
    await written.pool.execute(statement)
    assert await differences(ledger) == expected
    found = await replay(ledger, [("audit", MODEL)])
    assert all(each.examples for each in found.comparisons if not each.equal)
    assert found.json()["equal"] is False


async def test_what_workers_write_is_not_compared(live: Projector, written: Ledger, ledger: Ledger) -> None:
    await written.pool.execute("update audit.posted set attempts = 7")
    assert await differences(ledger) == {}


async def test_a_read_model_is_compared_as_of_its_checkpoint(live: Projector, written: Ledger, ledger: Ledger) -> None:
    for _ in range(3):
        await written.store.append([unit(capture()) for _ in range(700)])
    found = await replay(ledger, [("audit", MODEL)])
    assert found.equal
    assert [each.position for each in found.comparisons] == [2110, 10, 10]
    await live.catch_up()
    found = await replay(ledger, [("audit", MODEL)])
    assert found.equal
    assert [each.position for each in found.comparisons] == [2110, 2110, 2110]


async def test_a_read_model_that_never_ran_is_compared_as_empty(written: Ledger, ledger: Ledger) -> None:
    await written.pool.execute(
        "create table audit.posted (account text primary key, events integer, note json, attempts integer);"
        "create table audit.noted (type text)"
    )
    assert await differences(ledger) == {}
    await written.pool.execute("insert into audit.noted values ('x')")
    assert await differences(ledger) == {"audit.noted": (0, 1)}


async def test_nothing_is_left_behind_and_the_same_tables_of_another_schema_can_follow(
    live: Projector, written: Ledger, ledger: Ledger
) -> None:
    await written.pool.execute(
        "create table settings.posted (note json, account text primary key, attempts integer, events bigint);"
        "create table settings.noted (type text)"
    )
    both = [("audit", MODEL), ("settings", replace(MODEL, kinds=("escrow",)))] * 2
    assert (await replay(ledger, both)).equal
    assert await ledger.pool.fetchval("select count(*) from pg_class where relpersistence = 't' and relkind = 'r'") == 0
    assert await ledger.pool.fetchval("select count(*) from posted") == 3


async def test_a_projection_that_touches_a_table_it_does_not_name_fails(live: Projector, ledger: Ledger) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await replay(ledger, [("audit", replace(MODEL, tables={"posted": ("attempts",)}))])


async def test_a_checkpoint_beyond_the_book_is_an_error(live: Projector, ledger: Ledger) -> None:
    await ledger.pool.execute("update checkpoints set position = 11")
    with pytest.raises(Corrupt, match="11"):
        await replay(ledger, [("audit", MODEL)])


async def test_the_right_to_read_is_enough(live: Projector, database_url: str) -> None:
    async with open_ledger(database_url, "reader") as reader:
        assert (await replay(reader, [("audit", MODEL)])).equal
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.pool.execute("delete from audit.posted")
