"""An owner of the database, with the triggers out of the way, against the auditor's commands.

Each attack is one that somebody might hope to get away with, and each is told of with its position. The first nine are
those that the design names; what `verify` cannot see by itself, a kept file or `replay` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Recorded
from libs.eventstore.projector import Projector
from services.audit.proofs.replay import replay
from services.audit.proofs.verify import verify
from tests.integration.audit.forgery import copy, forge, mend_chain, mend_leaf, move
from tests.integration.eventstore.applying import projection
from tests.integration.eventstore.units import capture, unit

# The book of the fixture `written`: ten events in the blocks 1-4, 5, 6-9 and 10. Event 6 captures 300 USD.


class Shown(NamedTuple):
    """What a report says of an attack."""

    code: str
    position: int | None
    block: int | None = None


async def shown(ledger: Ledger, resume: Path | None = None) -> list[Shown]:
    found = await verify(ledger, resume=resume)
    assert found.ok == (not found.faults)
    return [Shown(fault.code, fault.position, fault.block) for fault in found.faults]


async def test_1_a_changed_field(written: Ledger, ledger: Ledger) -> None:
    await forge(written, "update ledger.events set actor = 'somebody else' where position = 7")
    assert await shown(ledger) == [Shown("event_changed", 7, 3)]


async def test_2_a_changed_amount_with_its_leaf_and_balances_mended(written: Ledger, ledger: Ledger) -> None:
    await forge(
        written,
        "update ledger.events set amounts = array[900, -900] where position = 6",
        "update ledger.balances set amount = amount + 600 where account = 'stripe:platform'",
        "update ledger.balances set amount = amount - 600 where account = 'funds:unallocated'",
    )
    await mend_leaf(written, 6)
    assert await shown(ledger) == [Shown("block_changed", 6, 3)]


async def test_3_a_deleted_event(written: Ledger, ledger: Ledger) -> None:
    await forge(written, "delete from ledger.events where position = 7")
    assert await shown(ledger) == [Shown("event_missing", 7, 3)]


async def test_4_an_inserted_event(written: Ledger, ledger: Ledger) -> None:
    await forge(
        written,
        *(move(position, position + 1) for position in range(10, 6, -1)),
        copy(6, 7),
        "update ledger.books set position = 11",
        "update ledger.blocks set last_position = 10 where block = 3",
        "update ledger.blocks set first_position = 11, last_position = 11 where block = 4",
    )
    assert await shown(ledger) == [Shown("event_changed", 7, 3)]
    await mend_leaf(written, 7)
    assert await shown(ledger) == [Shown("block_changed", 6, 3)]


async def test_5_two_swapped_events(written: Ledger, ledger: Ledger) -> None:
    await forge(written, move(7, -7), move(8, 7), move(-7, 8))
    assert await shown(ledger) == [Shown("block_changed", 6, 3)]
    await forge(written, move(4, -4), move(6, 4), move(-4, 6))  # over the border of two blocks
    assert await shown(ledger) == [Shown("event_moved", 4, 1)]


async def test_6_a_cut_tail(written: Ledger, ledger: Ledger, tmp_path: Path) -> None:
    assert await shown(ledger, tmp_path / "kept") == []
    await forge(written, "delete from ledger.events where position > 5")
    assert await shown(ledger) == [Shown("tail_missing", 6)]
    await forge(
        written,
        "delete from ledger.blocks where block > 2",
        "update ledger.books b set position = 5, block = 2, head = k.hash, sealed_at = k.sealed_at"
        " from ledger.blocks k where k.block = 2",
    )
    assert {each.code for each in await shown(ledger)} == {"balance_changed"}
    await forge(written, "update ledger.balances set amount = sign(amount) * 100", "delete from ledger.keys")
    assert Shown("history_rewritten", 1, 1) in await shown(ledger, tmp_path / "kept")


async def test_7_a_tail_rewritten_with_a_consistent_chain(written: Ledger, ledger: Ledger, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert await shown(ledger, kept) == []
    await written.store.append([unit(capture(1)) for _ in range(3)])
    assert await shown(ledger, kept) == []
    await forge(written, "update ledger.events set reason = 'another' where position = 12")
    await mend_chain(written)
    assert await shown(ledger) == [], "nothing contradicts itself"
    before = kept.read_bytes()
    assert await shown(ledger, kept) == [Shown("history_rewritten", 11, 5)], "what was kept at 10 is there, at 13 not"
    assert kept.read_bytes() == before, "the evidence stays"


async def test_8_a_changed_balance(written: Ledger, ledger: Ledger) -> None:
    await written.pool.execute("update ledger.balances set amount = amount + 1 where account = 'stripe:platform'")
    [fault] = (await verify(ledger)).faults
    assert fault.code == "balance_changed"
    assert fault.text == "stripe:platform stands at 601 USD minor units, its postings come to 600."
    [balances] = (await replay(ledger, [])).comparisons
    assert (balances.name, balances.equal) == ("ledger.balances", False)


async def _seen(connection: Any, events: Sequence[Recorded]) -> None:
    rows = [(event.position, event.type) for event in events]
    await connection.executemany("insert into seen (position, type) values ($1, $2)", rows)


async def test_9_a_changed_read_model(written: Ledger, ledger: Ledger) -> None:
    model = projection("seen", {"seen": ()}, None, _seen)
    await written.pool.execute("create table audit.seen (position bigint primary key, type text not null)")
    await Projector(ledger.pool, ledger.feed, model).catch_up()
    assert (await replay(ledger, [("audit", model)])).equal
    await written.pool.execute("update audit.seen set type = 'Forged' where position = 4")
    [_, table] = (await replay(ledger, [("audit", model)])).comparisons
    assert (table.name, table.equal) == ("audit.seen", False)
    assert table.examples == [
        {"missing": {"position": 4, "type": "Noted"}},
        {"surplus": {"position": 4, "type": "Forged"}},
    ]


def change(column: str, position: int = 6) -> str:
    return f"update ledger.events set {column} where position = {position}"


# Each by itself; the book is put right again before the next.
MORE: dict[str, tuple[Sequence[str], Shown]] = {
    "a comma smuggled into one account": (
        [
            change("accounts = array['stripe:platform,funds:unallocated']"),
            change("currencies = array['USD,USD'], amounts = array[300]"),
        ],
        Shown("event_changed", 6, 3),
    ),
    "quotes around an account": (
        [change("""accounts = array['"stripe:platform"', 'funds:unallocated']""")],
        Shown("event_changed", 6, 3),
    ),
    "an account that posts nothing": (
        [change("accounts = accounts || '{escrow:held}'")],
        Shown("event_changed", 6, 3),
    ),
    "an amount that is NULL": ([change("amounts = array[300, null]")], Shown("event_changed", 6, 3)),
    "an amount that is no number": ([change("amounts = '{300,NaN}'")], Shown("event_changed", 6, 3)),
    "postings in two dimensions": (
        [change("accounts = array[accounts], currencies = array[currencies], amounts = array[amounts]")],
        Shown("event_changed", 6, 3),
    ),
    "arrays that begin at another index": (
        [change("accounts = format('[0:1]={%s,%s}', accounts[1], accounts[2])::text[]")],
        Shown("event_changed", 6, 3),
    ),
    "an empty text for an absent one": (
        [change("correlation_id = null"), change("correlation_id = ''")],
        Shown("event_changed", 6, 3),
    ),
    "an absent text for one that is there": ([change("reason = null")], Shown("event_changed", 6, 3)),
    "the same JSON in other words": ([change('data = \'{"note":"x","amount":1.50}\'')], Shown("event_changed", 6, 3)),
    "a time that is infinite": ([change("effective_at = 'infinity'")], Shown("event_changed", 6, 3)),
    "another time of recording": (
        [change("recorded_at = recorded_at - interval '1 second'", 8)],
        Shown("event_moved", 8, 3),
    ),
    "another time of recording with its block's": (
        [
            change("recorded_at = recorded_at - interval '1 microsecond'", 10),
            "update ledger.blocks set sealed_at = sealed_at - interval '1 microsecond' where block = 4",
        ],
        Shown("block_changed", 10, 4),
    ),
    "an event moved to another book": (
        ["insert into ledger.books values (2)", change("book = 2", 10)],
        Shown("tail_missing", 10),
    ),
    "an event beyond the book": ([copy(6, 11)], Shown("event_outside", 11)),
    "an event before the book": ([copy(6, 0)], Shown("event_outside", 0)),
    "a block beyond the book": (
        ["insert into ledger.blocks select book, 5, 11, 11, sealed_at, hash, hash from ledger.blocks where block = 4"],
        Shown("block_outside", 10, 5),
    ),
    "a block that is gone": (["delete from ledger.blocks where block = 2"], Shown("block_missing", 5, 2)),
    "the last block is gone": (["delete from ledger.blocks where block = 4"], Shown("unsealed", 10)),
    "a block with another hash": (
        ["update ledger.blocks set hash = sha256('') where block = 2"],
        Shown("block_changed", 5, 2),
    ),
    "a block that follows another": (
        ["update ledger.blocks set previous = sha256('') where block = 3"],
        Shown("block_unlinked", 6, 3),
    ),
    "a block that begins elsewhere": (
        ["update ledger.blocks set first_position = 7 where block = 3"],
        Shown("block_coverage", 6, 3),
    ),
    "a block that was never sealed": (
        ["update ledger.blocks set sealed_at = 'infinity' where block = 4", change("recorded_at = 'infinity'", 10)],
        Shown("block_changed", 10, 4),
    ),
    "another head of the book": (["update ledger.books set head = sha256('')"], Shown("head_changed", 10, 4)),
    "a book that claims to be shorter": (["update ledger.books set position = 9"], Shown("event_outside", 10)),
    "a book that claims to be longer": (["update ledger.books set position = 11"], Shown("tail_missing", 11)),
    "another lock date": (["update ledger.books set closed_before = now()"], Shown("lock_date_changed", None)),
    "a lock date for ever": (["update ledger.books set closed_before = 'infinity'"], Shown("lock_date_changed", None)),
    "a key that leads nowhere": (
        ["insert into ledger.keys values (1, 'forged', sha256(''), 40, 41)"],
        Shown("key_astray", 40),
    ),
    "a balance of nobody": (
        ["insert into ledger.balances values (1, 'expense:gas', 'USD', 5, 0)"],
        Shown("balance_changed", None),
    ),
}


ALTERED: dict[str, Sequence[str]] = {
    "amounts in another scale": (
        "alter table ledger.events alter column amounts type numeric[]",
        change("amounts = array[300.0, -300.0]"),
    ),
    "a negative zero": (
        "alter table ledger.events alter column amounts type text[] using amounts::text[]",
        change("amounts = amounts || '{-0}', accounts = accounts || accounts[1:1], currencies = currencies || '{USD}'"),
    ),
    "an absent field that may not be": (
        "alter table ledger.events alter column actor drop not null",
        change("actor = null"),
    ),
}

TABLES = ("books", "events", "blocks", "keys", "balances")
SAVE = [f"create table public.saved_{table} as table ledger.{table}" for table in TABLES]
RESTORE = [
    statement
    for table in TABLES
    for statement in (f"delete from ledger.{table}", f"insert into ledger.{table} table public.saved_{table}")
]


async def test_and_more(written: Ledger, ledger: Ledger) -> None:
    found: dict[str, list[Shown]] = {}
    await forge(written, *SAVE)
    for attack, (statements, _) in MORE.items():
        await forge(written, *statements)
        found[attack] = await shown(ledger)
        await forge(written, *RESTORE)
    assert found == {attack: [expected] for attack, (_, expected) in MORE.items()}
    assert await shown(ledger) == []


@pytest.mark.parametrize("attack", ALTERED)
async def test_and_columns_that_hold_what_they_should_not(written: Ledger, ledger: Ledger, attack: str) -> None:
    await forge(written, *ALTERED[attack])
    assert await shown(ledger) == [Shown("event_changed", 6, 3)]


LESS = "create trigger append_only before delete on ledger.keys execute function ledger.refuse_change()"
TOOTHLESS = """
create or replace function ledger.refuse_change() returns trigger language plpgsql as $$ begin return null; end $$
"""
SILENCE = """
do $$ begin
    execute format('alter database %I set session_replication_role = replica', current_database());
end $$
"""


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("alter table ledger.events disable trigger append_only", "ledger.events"),
        ("alter table ledger.keys disable trigger all", "ledger.keys"),
        ("alter table ledger.blocks enable replica trigger append_only", "ledger.blocks"),
        ("drop trigger append_only on ledger.blocks", "ledger.blocks"),
        (f"drop trigger append_only on ledger.keys; {LESS}", "ledger.keys"),
        (TOOTHLESS, "ledger.events"),
        (SILENCE, "the database"),
    ],
)
async def test_triggers_left_out_of_order(written: Ledger, ledger: Ledger, statement: str, place: str) -> None:
    assert await shown(ledger) == []
    await written.pool.execute(statement)
    faults = (await verify(ledger)).faults
    assert {fault.code for fault in faults} == {"triggers_disabled"}
    assert place in faults[0].text


KEYS_FORGED = (
    "delete from ledger.keys where key = 'first'",
    "update ledger.keys set key = 'another' where key = 'first'",
    "update ledger.keys set fingerprint = sha256('') where key = 'first'",
    "update ledger.keys set first_position = 1, last_position = 1 where key = 'first'",
    "insert into ledger.keys values (1, 'zzz', sha256(''), 1, 1)",
)


async def test_keys_that_are_not_what_they_were_when_they_were_kept(
    written: Ledger, ledger: Ledger, tmp_path: Path
) -> None:
    """A key that is gone lets its request be carried out again; no event names its key, so the kept file must."""
    kept = tmp_path / "kept"
    await written.store.append([unit(capture(), key="first"), unit(capture(), key="second")])
    assert await shown(ledger, kept) == []
    await written.store.append([unit(capture(), key="third")])
    assert await shown(ledger, kept) == []
    await forge(written, *SAVE)
    for statement in KEYS_FORGED:
        await forge(written, statement)
        assert await shown(ledger, kept) == [Shown("keys_changed", None)], statement
        await forge(written, *RESTORE)
    assert await shown(ledger, kept) == []
