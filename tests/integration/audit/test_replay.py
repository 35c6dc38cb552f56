"""Rebuild equals live, on a read model made for the test in the audit's own schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Recorded
from libs.eventstore.projector import Projector
from libs.ledger.errors import Corrupt, NotFound, Rejected
from libs.runtime.problems import install_problems
from services.audit.http.proofs import router
from services.audit.proofs.progress import Step
from services.audit.proofs.replay import replay
from services.audit.proofs.rewind import Rewound, rewind, unroll
from tests.integration.audit.forgery import forge
from tests.integration.eventstore.applying import projection
from tests.integration.eventstore.units import capture, unit


async def apply(connection: Any, events: Sequence[Recorded]) -> None:
    await connection.executemany(
        "insert into posted (account, events, note) values ($1, 1, $2)"
        " on conflict (account) do update set events = posted.events + 1",
        [(account, event.data) for event in events for account in event.accounts],
    )
    await connection.executemany("insert into noted (type) values ($1)", [(event.type,) for event in events])


MODEL = projection("posted", {"posted": ("attempts",), "noted": ()}, ("payment",), apply)


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


def figures(found: Rewound) -> dict[str, tuple[int, int | None]]:
    return {each.account: (each.amount_minor, each.live_minor) for each in found.balances}


async def test_a_book_is_rewound_to_a_position(written: Ledger, ledger: Ledger) -> None:
    found = await rewind(ledger, 3)
    assert (found.position, found.equal) == (3, True)
    assert figures(found) == {
        "stripe:platform": (300, None),
        "funds:unallocated": (-200, None),
        "escrow:held": (-100, None),
    }
    assert (await rewind(ledger, 0)).balances == []
    for position in (-1, 11):
        with pytest.raises(Rejected) as refused:
            await rewind(ledger, position)
        assert refused.value.code == "position_ahead"


async def test_at_the_head_of_the_book_balances_are_compared_with_the_live_ones(
    written: Ledger, ledger: Ledger
) -> None:
    assert figures(await rewind(ledger, accounts="*:held")) == {"escrow:held": (-400, -400)}
    await written.pool.execute("update ledger.balances set amount = amount - 1 where account = 'escrow:held'")
    found = await rewind(ledger, accounts="escrow:*")
    assert (figures(found), found.equal) == ({"escrow:held": (-400, -401)}, False)
    assert (await rewind(ledger, accounts="stripe:*")).equal
    await written.pool.execute("delete from ledger.balances where account = 'escrow:held'")
    assert figures(await rewind(ledger, 10))["escrow:held"] == (-400, 0)


async def test_one_stream_is_folded_alone(written: Ledger, ledger: Ledger) -> None:
    stream = await written.pool.fetchval("select stream from ledger.events where position = 1")
    found = await unroll(ledger, stream, 3)
    assert [(event.position, event.version, event.type) for event in found.events] == [
        (1, 1, "Noted"),
        (2, 2, "Noted"),
        (3, 3, "Noted"),
    ]
    assert [posting.amount_minor for posting in found.events[1].postings] == [100, -100]
    assert {each.account: each.amount_minor for each in found.balances} == {
        "stripe:platform": 300,
        "funds:unallocated": -200,
        "escrow:held": -100,
    }
    for position, name in ((0, stream), (10, "payment-nobody")):
        with pytest.raises(NotFound) as refused:
            await unroll(ledger, name, position)
        assert refused.value.code == "unknown_stream"


@pytest.mark.parametrize(
    "change", ["amounts = amounts[1:1]", "amounts = '{NaN,1}'", "accounts = '{}'", "currencies = '{USD,USD,USD}'"]
)
async def test_postings_that_cannot_be_folded_are_an_error_with_their_position(
    written: Ledger, ledger: Ledger, change: str
) -> None:
    await forge(written, f"update ledger.events set {change} where position = 7")
    with pytest.raises(Corrupt, match="position 7") as corrupt:
        await rewind(ledger)
    assert corrupt.value.code == "event_changed"


async def test_the_same_over_http(written: Ledger, ledger: Ledger) -> None:
    app = FastAPI()
    app.include_router(router(ledger))
    install_problems(app)
    stream = await written.pool.fetchval("select stream from ledger.events where position = 6")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://audit") as http:
        assert (await http.get("/verify")).json()["ok"] is True
        now = (await http.get("/replay", params={"account": "escrow:*"})).json()
        assert [(each["amount_minor"], each["live_minor"]) for each in now["balances"]] == [(-400, -400)]
        earlier = (await http.get("/replay", params={"position": 2, "account": "escrow:*"})).json()
        assert [(each["amount_minor"], each["live_minor"]) for each in earlier["balances"]] == [(-100, None)]
        told = (await http.get(f"/replay/{stream}")).json()
        assert [event["position"] for event in told["events"]] == [6, 7, 8, 9]
        assert (await http.get("/replay", params={"position": 99})).json()["code"] == "position_ahead"
        assert (await http.get("/replay/payment-nobody")).status_code == 404
