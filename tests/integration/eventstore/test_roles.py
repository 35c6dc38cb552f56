"""Each service writes its own kinds of stream through `append`, and nothing any other way."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Appended
from libs.ledger.chart import CHART
from libs.ledger.errors import Rejected
from tests.integration.eventstore.units import capture, stream, unit


@pytest.fixture
async def as_depot(ledger: Ledger, every_database_url: str) -> AsyncIterator[Ledger]:
    """A service named `depot` that may write streams of kind `box`."""
    async with ledger.pool.acquire() as connection, connection.transaction():
        await connection.execute("select ledger.admit_service('depot', array['box'])")
        await connection.execute("create table depot.shelf (n int)")
    async with open_ledger(every_database_url, "depot") as opened:
        yield opened


async def test_a_service_writes_its_own_kind(as_depot: Ledger) -> None:
    assert await as_depot.store.append([unit(capture(), to=stream().replace("payment", "box"))]) == [
        Appended(range(1, 2))
    ]


async def test_a_service_may_not_write_the_streams_of_another(as_depot: Ledger) -> None:
    with pytest.raises(Rejected) as refused:
        await as_depot.store.append([unit(capture())])
    assert refused.value.code == "forbidden"


@pytest.mark.parametrize(
    "statement",
    [
        "insert into ledger.events select * from ledger.events",
        "update ledger.balances set amount = 0",
        "delete from ledger.blocks",
        "truncate ledger.keys",
        "insert into ledger.writers values ('holdfast_depot', 'payment')",
        "select ledger.admit_service('other', array['payment'])",
        "alter table ledger.events disable trigger all",
    ],
)
async def test_a_service_cannot_reach_around_append(as_depot: Ledger, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_depot.pool.execute(statement)


async def test_a_service_has_its_own_tables_and_reads_the_ledger(as_depot: Ledger) -> None:
    await as_depot.pool.execute("insert into shelf values (1)")
    assert await as_depot.pool.fetchval("select count(*) from ledger.events") == 0


async def test_the_chart_in_the_database_is_the_chart_in_the_code(ledger: Ledger) -> None:
    rows = await ledger.pool.fetch("select pattern, sign from ledger.chart")
    assert {(row["pattern"], row["sign"]) for row in rows} == {(rule.regex, rule.sign) for rule in CHART}
