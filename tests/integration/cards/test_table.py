"""The card rail, scenario by scenario: what Stripe, the ledger, the messages and the pages say after each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest

from tests.conftest import Databases
from tests.integration.cards import (
    table_chargebacks,
    table_paying,
    table_payouts,
    table_refunds,
    table_releasing,
    table_webhooks,
)
from tests.integration.cards.laws import check_laws, check_proofs, check_reconciled
from tests.integration.cards.looks import check
from tests.integration.cards.market import Market, open_market
from tests.integration.cards.rows import Case, Row

ROWS: Final = (
    *table_paying.ROWS,
    *table_releasing.ROWS,
    *table_refunds.ROWS,
    *table_chargebacks.ROWS,
    *table_payouts.ROWS,
    *table_webhooks.ROWS,
)


@pytest.fixture(scope="module")
async def market(databases: Databases) -> AsyncIterator[Market]:
    """One for all rows. After the last of them every law holds, and an auditor finds nothing."""
    url = await databases.create()
    async with open_market(url) as opened:
        # What a marketplace has of its own: sellers who were paid already may owe it more than the rows leave it.
        await opened.buy("its-own", ("nobody", 1_000_000))
        yield opened
        await opened.settle()
        await check_reconciled(opened)
        await check_laws(opened)
        await check_proofs(url)
    await databases.drop(url)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
async def test_it_comes_to_this(row: Row, market: Market) -> None:
    case = Case(market, f"row-{ROWS.index(row) + 1}")
    for act in row.acts:
        await act(case)
    assert not market.twin.world.faults.waiting()
    await check(row, case)


def test_the_table_has_sixty_rows_and_each_a_name_of_its_own() -> None:
    names = [row.name for row in ROWS]
    assert len(names) >= 60
    assert len(set(names)) == len(names)
