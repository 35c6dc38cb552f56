"""What changed between two states, with figures computed by hand."""

from __future__ import annotations

import pytest

from libs.eventstore.ledger import Ledger
from libs.ledger.errors import HoldfastError
from libs.ledger.journal import transfer
from services.audit.reports.diff import Cause, diff
from services.audit.reports.moments import NOW, AsOf
from tests.integration.audit.posting import day, post, record_at
from tests.integration.eventstore.units import capture, hold


@pytest.fixture
async def book(owner: Ledger, ledger: Ledger) -> Ledger:
    """Position 4 is recorded in December and takes effect in November."""
    await post(owner, capture(100), day(11, 1), "PaymentCaptured")
    await post(owner, hold(60), day(11, 2), "FundsHeld")
    await post(owner, capture(5), day(12, 1), "PaymentCaptured")
    await post(owner, capture(40), day(11, 3), "PaymentCaptured")
    await post(owner, transfer("JPY", 9, debit="stripe:platform", credit="revenue:shipping"), day(12, 2), "Shipped")
    await record_at(owner, {1: day(11, 1), 2: day(11, 2), 3: day(12, 1), 4: day(12, 2), 5: day(12, 3)})
    return ledger


async def test_accounts_that_moved_have_before_change_and_after_and_the_events_that_did_it(book: Ledger) -> None:
    found = await diff(book, AsOf(recorded=1))
    assert (found.before.position, found.after.position) == (1, 5)
    assert [
        (each.account, each.currency, each.before_minor, each.change_minor, each.after_minor) for each in found.changes
    ] == [
        ("revenue:shipping", "JPY", 0, -9, -9),
        ("stripe:platform", "JPY", 0, 9, 9),
        ("escrow:held", "USD", 0, -60, -60),
        ("funds:unallocated", "USD", -100, 15, -85),
        ("stripe:platform", "USD", 100, 45, 145),
    ]
    unallocated = found.changes[3]
    assert unallocated.causes == [Cause("PaymentCaptured", 2, -45), Cause("FundsHeld", 1, 60)]
    assert unallocated.events == 3
    assert unallocated.json()["change_minor"] == 15


async def test_what_was_recorded_late_is_the_difference_at_the_same_effective_time(book: Ledger) -> None:
    november = day(11, 30)
    found = await diff(book, AsOf(recorded=november, effective=november), AsOf(effective=november))
    assert [(each.account, each.before_minor, each.after_minor) for each in found.changes] == [
        ("funds:unallocated", -40, -80),
        ("stripe:platform", 100, 140),
    ]


async def test_between_two_effective_times_lies_what_took_effect(book: Ledger) -> None:
    found = await diff(book, AsOf(effective=day(11, 2)), AsOf(effective=day(12, 1)))
    assert [(each.account, each.change_minor, each.events) for each in found.changes] == [
        ("funds:unallocated", -45, 2),
        ("stripe:platform", 45, 2),
    ]


async def test_an_account_that_went_and_came_back_has_moved(book: Ledger, owner: Ledger) -> None:
    await post(owner, hold(10), day(12, 5))
    await post(owner, transfer("USD", 10, debit="escrow:held", credit="funds:unallocated"), day(12, 5))
    found = await diff(book, AsOf(recorded=5))
    assert [(each.account, each.change_minor, each.events) for each in found.changes] == [
        ("escrow:held", 0, 2),
        ("funds:unallocated", 0, 2),
    ]


async def test_nothing_changes_between_a_state_and_itself(book: Ledger) -> None:
    assert (await diff(book, AsOf(recorded=3), AsOf(recorded=3))).changes == []
    assert (await diff(book, NOW, NOW)).changes == []


async def test_the_wrong_way_round_is_refused(book: Ledger) -> None:
    for before, after in (
        (AsOf(recorded=3), AsOf(recorded=2)),
        (NOW, AsOf(effective=day(12, 1))),
        (AsOf(effective=day(12, 2)), AsOf(effective=day(12, 1))),
        (AsOf(recorded=day(12, 2)), AsOf(recorded=1)),
    ):
        with pytest.raises(HoldfastError) as refused:
            await diff(book, before, after)
        assert refused.value.code == "from_after_to"
