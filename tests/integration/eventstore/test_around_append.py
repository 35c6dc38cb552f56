"""Nobody reaches around `append`: services are refused, the owner is stopped, or seen."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import asyncpg
import pytest

from libs.eventstore.batch import Batch
from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Unit, stream_name
from libs.eventstore.store import SQL
from services.audit.proofs.verify import verify
from tests.integration.eventstore.logins import KINDS, LEDGER_TABLES, Open
from tests.integration.eventstore.units import capture, unit

GUARDED_TABLES = ("events", "keys", "blocks")


def _of(kind: str) -> Unit:
    return unit(capture(), to=stream_name(kind, uuid4()))


AGAINST_A_TABLE = """
insert into {0} select * from {0}
delete from {0}
truncate {0}
select * from {0} for update
lock table {0} in access exclusive mode
copy {0} from stdin
alter table {0} disable trigger all
alter table {0} owner to current_user
alter table {0} add column mine integer
alter table {0} enable row level security
drop table {0}
create trigger mine before insert on {0} for each row execute function suppress_redundant_updates_trigger()
create rule mine as on insert to {0} do instead nothing
create index on {0} ((1))
comment on table {0} is 'mine'
"""

AGAINST_A_GUARD = """
update {0} set book = 1
alter table {0} disable trigger append_only
drop trigger append_only on {0}
"""

AGAINST_THE_REST = """
update ledger.balances set amount = 0
update ledger.books set position = 0
update ledger.chart set sign = 0
update ledger.writers set kind = '*'
insert into ledger.writers values (current_user, '*')
insert into ledger.chart values ('.*', 0)
select ledger.admit_service('mine', array['payment'])
select ledger.create_worklist('payment')
select ledger.account_sign('escrow:held')
select ledger.column('stripe:platform')
create function ledger.mine() returns integer language sql as 'select 1'
create or replace function ledger.column(p_joined text) returns text[] language sql as 'select null::text[]'
create or replace function ledger.account_sign(p_account text) returns smallint language sql as 'select 0::smallint'
create or replace function ledger.refuse_change() returns trigger language plpgsql as 'begin return new; end'
alter function ledger.column(text) set search_path = pg_temp
drop function ledger.refuse_change() cascade
create table ledger.mine (n integer)
create view ledger.mine as select 1
create type ledger.mine as (n integer)
create operator ledger.<> (leftarg = integer, rightarg = integer, function = int4eq)
create table public.mine (n integer)
create function public.mine() returns integer language sql as 'select 1'
create schema mine
drop schema ledger cascade
alter schema ledger rename to mine
set session_replication_role = replica
alter role current_user superuser
alter role current_user set session_replication_role = replica
create role mine
copy (select 1) to program 'true'
create event trigger mine on ddl_command_end execute function ledger.refuse_change()
reassign owned by postgres to current_user
select lo_import('/etc/passwd')
"""


def _statements(text: str, *arguments: str) -> Iterator[str]:
    yield from text.format(*arguments).strip().splitlines()


async def _refusal(connection: asyncpg.pool.PoolConnectionProxy, attempt: str) -> str:
    try:
        async with connection.transaction():
            await connection.execute(attempt)
    except asyncpg.PostgresError as error:
        return error.sqlstate or str(error)
    return "allowed"


@pytest.mark.parametrize("service", KINDS)
async def test_a_service_cannot_reach_around_append(ledger: Ledger, acting_as: Open, service: str) -> None:
    await ledger.store.append([unit(capture(), key="k")])
    attempts = [*_statements(AGAINST_THE_REST)]
    for table in LEDGER_TABLES:
        attempts += _statements(AGAINST_A_TABLE, f"ledger.{table}")
    for table in GUARDED_TABLES:
        attempts += _statements(AGAINST_A_GUARD, f"ledger.{table}")
    async with acting_as(service) as mine, mine.pool.acquire() as connection:
        refusals = {attempt: await _refusal(connection, attempt) for attempt in attempts}
    assert {attempt: what for attempt, what in refusals.items() if what != "42501"} == {}
    assert await ledger.feed.head() == 1


async def test_a_service_executes_append_and_no_other_function_of_the_ledger(ledger: Ledger) -> None:
    for role in KINDS:
        rows = await ledger.pool.fetch(
            "select proname from pg_proc where pronamespace = 'ledger'::regnamespace"
            " and has_function_privilege($1, oid, 'execute') and prorettype <> 'trigger'::regtype order by proname",
            f"holdfast_{role}",
        )
        more = ["forget"] if role == "forgetter" else []
        assert [row["proname"] for row in rows] == ["append", *more], "an older signature is a way around the newest"


async def test_what_runs_as_the_owner_looks_for_names_in_temporary_schemas_last(ledger: Ledger) -> None:
    """After `set search_path = pg_catalog` alone PostgreSQL looks for tables and types in pg_temp first, where anybody
    may make some (its manual: "Writing SECURITY DEFINER Functions Safely").
    """
    rows = await ledger.pool.fetch(
        "select oid::regprocedure::text as name, prosecdef, setting from pg_proc"
        " left join lateral unnest(proconfig) setting on setting like 'search_path=%'"
        " where pronamespace = 'ledger'::regnamespace and (prosecdef or setting is not null)"
    )
    assert [row["name"] for row in rows if row["setting"] != "search_path=pg_catalog, pg_temp"] == []
    assert "append" in {row["name"].partition("(")[0].removeprefix("ledger.") for row in rows if row["prosecdef"]}


BASE_TYPES = [
    "text",
    "json",
    "jsonb",
    "bytea",
    "name",
    "timestamptz",
    "int2",
    "int4",
    "int8",
    "numeric",
    "bool",
    "float8",
    "regclass",
    "oid",
]


async def test_nothing_that_a_service_makes_in_its_session_runs_as_the_owner(ledger: Ledger, acting_as: Open) -> None:
    """Types, tables, functions and operators named like those which `append` uses, in front of them in every path."""
    async with acting_as("payment") as mine, mine.pool.acquire() as connection:
        append = await connection.prepare(SQL.append)  # before, or the driver itself would fall for the types below
        for name in BASE_TYPES:
            await connection.execute(
                f"create function pg_temp.spy(pg_catalog.{name}) returns boolean language plpgsql as $$ begin"
                " if current_user <> 'holdfast_payment' then raise exception 'this runs as %', current_user; end if;"
                f" return true; end $$; create domain pg_temp.{name} as pg_catalog.{name} check (pg_temp.spy(value))"
            )
        for table in LEDGER_TABLES:
            await connection.execute(f"create temporary table {table} (like ledger.{table})")
        await connection.execute(
            "create function pg_temp.sha256(bytea) returns bytea language sql as $$ select '\\x00'::bytea $$;"
            "create function pg_temp.pg_notify(text, text) returns void language sql as $$ select $$;"
            "create function pg_temp.same(numeric, numeric) returns boolean language sql as $$ select false $$;"
            "create operator pg_temp.<> (leftarg = numeric, rightarg = numeric, function = pg_temp.same);"
            "insert into writers values ('holdfast_payment', '*');"
            "set search_path = pg_temp, payment, pg_catalog"
        )
        for position, look in enumerate((True, False), 1):
            [stored] = await append.fetch(*Batch(1, [_of("payment")]).arguments(look=look))
            assert stored["first_position"] == position
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="may not write"):
                await append.fetch(*Batch(1, [_of("escrow")]).arguments(look=look))
    assert await ledger.feed.head() == 2
    assert (await verify(ledger)).faults == []


async def _append_forged(ledger: Ledger, **forged: object) -> None:
    """Call `append` with a good unit's arguments, but for some: as somebody would who does not go through the store."""
    names = await ledger.pool.fetchval("select proargnames from pg_proc where oid = 'ledger.append'::regproc")
    arguments = dict(zip(names, Batch(1, [_of("payment")]).arguments(), strict=True))
    assert forged.keys() <= arguments.keys()
    given = ", ".join(f"{name} => ${n}" for n, name in enumerate(names, 1))
    await ledger.pool.fetch(f"select ledger.append({given})", *(arguments | forged).values())


FORGED: list[dict[str, object]] = [
    {"p_amounts": "{100,-99}"},
    {"p_amounts": "[2:3]={100,-99}"},
    {"p_amounts": "{{100,-99}}"},
    {"p_amounts": "{100,NULL}"},
    {"p_amounts": "{NaN,NaN}"},
    {"p_amounts": "{100,-100,0}"},
    {"p_amounts": "{}"},
    {"p_amounts": "{100,-100,1,1}", "p_accounts": "[0:3]={stripe:platform,funds:unallocated,escrow:held,escrow:held}"},
    {"p_currencies": "{USD,EUR}"},
    {"p_currencies": "{USD,NULL}"},
    {"p_currencies": "[0:1]={USD,EUR}"},
    {"p_accounts": "{stripe:platform,NULL}"},
    {"p_accounts": "{stripe:platform,stripe:plattform}"},
    {"p_accounts": "{}"},
    {"p_streams": f"escrow-{uuid4()}"},
    {"p_streams": f"payment-{uuid4()}"},
    {"p_versions": "{2}"},
    {"p_versions": "{NULL}"},
    {"p_firsts": "{NULL}", "p_versions": "{NULL}"},
    {"p_leaves": b"short"},
    {"p_leaves": b"one" * 11},
    {"p_leaves": bytes(64)},
    {"p_look": False, "p_firsts": "{3}", "p_versions": "{3}"},
    {"p_leaves": b""},
    {"p_units": "{2}"},
    {"p_effective": [None]},
    {"p_data": "{"},
    {"p_book": 7},
    {"p_types": "\x1e"},
    {"p_actors": "\x1e"},
    {"p_types": "one\x1ftoo many"},
    {"p_accounts": "{stripe:platform,stripe:platform}", "p_amounts": "{1,1}"},
    {"p_accounts": "{escrow:held,stripe:platform}", "p_amounts": "{100,-100}"},
]


async def test_the_database_refuses_the_impossible_whatever_a_caller_sends(ledger: Ledger, acting_as: Open) -> None:
    async with acting_as("payment") as mine:
        await _append_forged(mine)
        accepted = []
        for forged in [{"p_look": look} | forged for forged in FORGED for look in (True, False)]:
            try:
                await _append_forged(mine, **forged)
            except asyncpg.PostgresError:
                continue
            accepted.append(forged)
    assert accepted == []
    assert await ledger.feed.head() == 1
    assert (await verify(ledger)).faults == []


@pytest.mark.parametrize(
    ("table", "disarm"),
    [
        ("events", "alter table ledger.events disable trigger append_only"),
        ("keys", "alter table ledger.keys disable trigger all"),
        ("blocks", "alter table ledger.blocks enable replica trigger append_only"),
        ("events", "drop trigger append_only on ledger.events"),
        ("blocks", "drop function ledger.refuse_change() cascade"),
    ],
)
async def test_the_owner_is_stopped_by_a_trigger_and_seen_without_it(ledger: Ledger, table: str, disarm: str) -> None:
    await ledger.store.append([unit(capture(), key="k")])
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await ledger.pool.execute(f"delete from ledger.{table}")
    assert (await verify(ledger)).ok
    await ledger.pool.execute(disarm)
    assert "triggers_disabled" in [fault.code for fault in (await verify(ledger)).faults]
