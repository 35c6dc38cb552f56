"""Each service writes its own kinds of stream, and acts as nobody else."""

from __future__ import annotations

from itertools import permutations
from uuid import uuid4

import asyncpg
import pytest

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Appended, Change, Unit, stream_name
from libs.ledger.chart import CHART
from libs.ledger.errors import Rejected
from tests.integration.eventstore.logins import KINDS, LEDGER_TABLES, SERVICES, Open
from tests.integration.eventstore.units import META, capture, event, unit


def _of(kind: str) -> Unit:
    return unit(capture(), to=stream_name(kind, uuid4()))


async def test_who_may_write_what_is_what_this_test_says(ledger: Ledger) -> None:
    rows = await ledger.pool.fetch("select role, kind from ledger.writers where role like 'holdfast%'")
    assert {tuple(row) for row in rows} == {(f"holdfast_{s}", kind) for s, kinds in KINDS.items() for kind in kinds}


async def test_a_service_writes_its_own_kinds_of_stream_and_no_other(ledger: Ledger, acting_as: Open) -> None:
    every = {kind for kinds in KINDS.values() for kind in kinds} | {"box"}
    landed = 0
    for service, own in KINDS.items():
        async with acting_as(service) as mine:
            for kind in sorted(own):
                assert await mine.writer.append(_of(kind)) == Appended(range(landed + 1, landed + 2))
                landed += 1
            for kind in sorted(every - own):
                with pytest.raises(Rejected) as refused:
                    await mine.writer.append(_of(kind))
                assert refused.value.code == "forbidden"
                mixed = [Change(stream_name(k, uuid4()), 0, [event()]) for k in (*own, kind)]
                with pytest.raises(Rejected):
                    await mine.writer.append(Unit(mixed, META))
    assert await ledger.feed.head() == landed


async def test_a_login_that_takes_no_role_reads_and_writes_nothing(logins: dict[str, str]) -> None:
    for url in logins.values():
        async with open_ledger(url, None) as bare:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await bare.pool.fetch("select * from ledger.events")
            with pytest.raises(Rejected) as refused:
                await bare.writer.append(_of("payment"))
            assert refused.value.code == "forbidden"


async def test_no_service_acts_as_another(acting_as: Open, logins: dict[str, str]) -> None:
    for service, other in permutations(SERVICES, 2):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(logins[service], server_settings={"role": f"holdfast_{other}"})
        async with acting_as(service) as mine:
            for attempt in (
                f"set role holdfast_{other}",
                f"select set_config('role', 'holdfast_{other}', false)",
                f"set session authorization holdfast_{other}",
                f"grant holdfast_{other} to holdfast_{service}",
                f"insert into {other}.checkpoints values ('x', 1)",
                f"update {other}.checkpoints set position = 0",
                f"delete from {other}.checkpoints",
                f"create table {other}.mine (n integer)",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await mine.pool.execute(attempt)


# Every role may read: the ledger is the auditor's, and so are the read models; none has personal data in it.
async def test_a_service_reads_the_ledger_and_nothing_of_the_servers_own(acting_as: Open) -> None:
    for service in KINDS:
        async with acting_as(service) as mine:
            for table in LEDGER_TABLES:
                await mine.pool.execute(f"select * from ledger.{table}")
            for secret in ("pg_authid", "public.holdfast_migrations", "pg_read_file('postgresql.conf')"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await mine.pool.execute(f"select * from {secret}")


async def test_the_chart_in_the_database_is_the_chart_in_the_code(ledger: Ledger) -> None:
    rows = await ledger.pool.fetch("select pattern, sign from ledger.chart")
    assert {(row["pattern"], row["sign"]) for row in rows} == {(rule.regex, rule.sign) for rule in CHART}
