"""Balance sheets with figures computed by hand."""

from __future__ import annotations

from libs.eventstore.ledger import Ledger
from libs.ledger.journal import entry, transfer
from services.audit.reports.balance_sheet import Item, Sheet, balance_sheet
from services.audit.reports.moments import AsOf
from tests.integration.audit.posting import day, post
from tests.integration.eventstore.units import capture, hold

RELEASE = entry("USD", debit={"escrow:held": 70}, credit={"seller:s1:available": 60, "revenue:commission": 10})


async def test_assets_equal_liabilities_and_earnings_in_every_currency(owner: Ledger, ledger: Ledger) -> None:
    await post(owner, capture(100), day(11, 1))
    await post(owner, hold(70), day(11, 2))
    await post(owner, RELEASE, day(11, 3))
    await post(owner, transfer("USD", 4, debit="expense:processor_fees", credit="stripe:platform"), day(12, 1))
    await post(owner, transfer("JPY", 5, debit="expense:gas", credit="stripe:platform"), day(12, 2))
    found = await balance_sheet(ledger)
    assert found.balanced
    [yen, dollars] = found.sheets
    assert yen == Sheet("JPY", [Item("stripe:platform", -5)], [], [], [Item("expense:gas", 5)])
    assert (yen.assets_minor, yen.liabilities_minor, yen.earnings_minor) == (-5, 0, -5)
    assert dollars == Sheet(
        "USD",
        [Item("stripe:platform", 96)],
        [Item("funds:unallocated", 30), Item("seller:s1:available", 60)],
        [Item("revenue:commission", 10)],
        [Item("expense:processor_fees", 4)],
    )
    assert (dollars.assets_minor, dollars.liabilities_minor, dollars.earnings_minor) == (96, 90, 6)

    november = await balance_sheet(ledger, AsOf(effective=day(11, 30)))
    [dollars] = november.sheets
    assert (dollars.assets_minor, dollars.liabilities_minor, dollars.earnings_minor) == (100, 90, 10)
    [earlier] = (await balance_sheet(ledger, AsOf(recorded=2))).sheets
    assert (earlier.liabilities, earlier.income) == ([Item("escrow:held", 70), Item("funds:unallocated", 30)], [])


async def test_an_empty_book_has_no_sheets(ledger: Ledger) -> None:
    found = await balance_sheet(ledger)
    assert (found.balanced, found.sheets, found.position) == (True, [], 0)


async def test_books_that_do_not_balance_are_called_so(owner: Ledger, ledger: Ledger) -> None:
    await post(owner, capture(100), day(11, 1))
    await owner.pool.execute("update ledger.balances set amount = amount + 1 where account = 'stripe:platform'")
    found = await balance_sheet(ledger)
    assert found.json()["balanced"] is False
    assert found.sheets[0].difference_minor == 1
