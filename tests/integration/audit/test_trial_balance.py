from __future__ import annotations

import pytest

from libs.eventstore.ledger import Ledger
from libs.ledger.errors import Rejected
from libs.ledger.journal import transfer
from services.audit.proofs.book import recomputed
from services.audit.reports.trial_balance import Line, Total, trial_balance
from tests.integration.eventstore.units import capture, unit


async def test_every_account_stands_on_its_side_and_both_sides_are_equal(written: Ledger, ledger: Ledger) -> None:
    await written.store.append([unit(transfer("EUR", 7, debit="expense:gas", credit="revenue:commission"))])
    found = await trial_balance(ledger)
    assert found.balanced
    assert found.position == 11
    assert found.lines == [
        Line("revenue:commission", "income", "EUR", 0, 7),
        Line("expense:gas", "expense", "EUR", 7, 0),
        Line("stripe:platform", "asset", "USD", 600, 0),
        Line("escrow:held", "liability", "USD", 0, 400),
        Line("funds:unallocated", "liability", "USD", 0, 200),
    ]
    assert found.totals == [Total("EUR", 7, 7), Total("USD", 600, 600)]


async def test_an_earlier_position_is_recomputed_from_the_events_up_to_it(written: Ledger, ledger: Ledger) -> None:
    found = await trial_balance(ledger, 3)
    assert {line.account: line.debit_minor - line.credit_minor for line in found.lines} == {
        "stripe:platform": 300,
        "escrow:held": -100,
        "funds:unallocated": -200,
    }
    assert (await trial_balance(ledger, 0)).lines == []
    assert (await trial_balance(ledger, 10)).lines == (await trial_balance(ledger)).lines


async def test_a_position_that_is_not_there_yet_is_refused(written: Ledger, ledger: Ledger) -> None:
    with pytest.raises(Rejected) as refused:
        await trial_balance(ledger, 11)
    assert refused.value.code == "position_ahead"


async def test_books_that_do_not_balance_are_called_so(written: Ledger, ledger: Ledger) -> None:
    await written.pool.execute("update ledger.balances set amount = amount + 1 where account = 'stripe:platform'")
    found = await trial_balance(ledger)
    assert not found.balanced
    assert found.totals[0].difference_minor == 1


async def test_balances_recompute_across_slices_and_beyond_64_bits(owner: Ledger, ledger: Ledger) -> None:
    for _ in range(3):
        await owner.store.append([unit(capture(2**70)) for _ in range(900)])
    total = 2700 * 2**70
    assert await recomputed(ledger, 2700) == {("stripe:platform", "USD"): total, ("funds:unallocated", "USD"): -total}
    assert (await recomputed(ledger, 2001))["stripe:platform", "USD"] == 2001 * 2**70
