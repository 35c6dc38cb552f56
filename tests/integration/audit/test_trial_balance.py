from __future__ import annotations

from datetime import UTC, datetime

import pytest

from libs.eventstore.ledger import Ledger, open_ledger
from libs.ledger.errors import NotFound, Rejected
from libs.ledger.journal import transfer
from services.audit.proofs.book import recomputed
from services.audit.reports.moments import AsOf
from services.audit.reports.trial_balance import Line, Total, trial_balance
from tests.integration.audit.posting import day, post, record_at
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
    found = await trial_balance(ledger, AsOf(recorded=3))
    assert {line.account: line.debit_minor - line.credit_minor for line in found.lines} == {
        "stripe:platform": 300,
        "escrow:held": -100,
        "funds:unallocated": -200,
    }
    assert (await trial_balance(ledger, AsOf(recorded=0))).lines == []
    assert (await trial_balance(ledger, AsOf(recorded=10))).lines == (await trial_balance(ledger)).lines


async def test_a_position_that_is_not_there_yet_is_refused(written: Ledger, ledger: Ledger) -> None:
    with pytest.raises(Rejected) as refused:
        await trial_balance(ledger, AsOf(recorded=11))
    assert refused.value.code == "position_ahead"


async def test_each_clock_has_its_own_balances_and_both_together_say_what_was_known(
    owner: Ledger, ledger: Ledger
) -> None:
    """The second is recorded in December for November; a time counts what happened at that very moment."""
    for amount, effective in ((1, day(11, 30)), (20, day(11, 1)), (300, day(12, 1))):
        await post(owner, capture(amount), effective)
    await record_at(owner, {1: day(11, 30), 2: day(12, 5), 3: day(12, 6)})

    async def captured(as_of: AsOf) -> int:
        found = await trial_balance(ledger, as_of)
        assert found.balanced
        return found.totals[0].debit_minor if found.totals else 0

    assert await captured(AsOf(recorded=day(11, 30))) == 1
    assert await captured(AsOf(recorded=day(11, 30, 11))) == 0
    assert await captured(AsOf(recorded=day(12, 5))) == 21
    assert await captured(AsOf(effective=day(11, 30))) == 21
    assert await captured(AsOf(effective=day(11, 30, 11))) == 20
    assert await captured(AsOf(effective=day(12, 1))) == 321
    assert await captured(AsOf(recorded=day(11, 30), effective=day(12, 1))) == 1
    assert await captured(AsOf(recorded=2, effective=day(11, 29))) == 20


async def test_the_future_and_a_book_that_is_not_there_are_refused(ledger: Ledger, database_url: str) -> None:
    with pytest.raises(Rejected) as refused:
        await trial_balance(ledger, AsOf(recorded=datetime(2999, 1, 1, tzinfo=UTC)))
    assert refused.value.code == "time_ahead"
    async with open_ledger(database_url, None, book=9) as none:
        for as_of in (AsOf(), AsOf(recorded=0)):
            with pytest.raises(NotFound) as missing:
                await trial_balance(none, as_of)
            assert missing.value.code == "unknown_book"


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
