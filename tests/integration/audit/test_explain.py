"""A balance and the events behind it: by type, one by one, and never a minor unit apart."""

from __future__ import annotations

import pytest

from libs.eventstore.ledger import Ledger
from libs.ledger.errors import HoldfastError
from services.audit.reports.explain import Group, explain
from services.audit.reports.moments import AsOf
from tests.integration.audit.posting import day, follow, post
from tests.integration.eventstore.units import capture, hold


@pytest.fixture
async def mixed(owner: Ledger, ledger: Ledger) -> Ledger:
    await post(owner, capture(100), day(11, 1), "PaymentCaptured", correlation_id="order-1")
    await post(owner, (*capture(900), *hold(300)), day(11, 2), "PaymentCaptured", reason="captured and held")
    await post(owner, hold(50), day(11, 1), "FundsHeld")
    await post(owner, capture(7), day(12, 1), "Corrected")
    await follow(ledger)
    return ledger


async def test_types_and_events_come_to_the_balance(mixed: Ledger) -> None:
    found = await explain(mixed, "funds:unallocated", limit=2)
    assert found.balance_minor == found.explained_minor == -657
    assert found.adds_up
    assert found.groups == [Group("PaymentCaptured", 2, -700), Group("FundsHeld", 1, 50), Group("Corrected", 1, -7)]
    [largest, next_] = found.contributions
    assert (largest.position, largest.amount_minor, largest.reason) == (2, -600, "captured and held")
    assert (next_.position, next_.amount_minor, next_.correlation_id) == (1, -100, "order-1")
    assert found.unlisted == Group("unlisted", 2, 43)
    report = found.json()
    assert (report["adds_up"], report["account"], report["unlisted"]["amount_minor"]) == (True, "funds:unallocated", 43)


async def test_the_latest_events_come_first_when_asked_for(mixed: Ledger) -> None:
    found = await explain(mixed, "funds:unallocated", order="latest", limit=3)
    assert [(each.position, each.amount_minor) for each in found.contributions] == [(4, -7), (3, 50), (2, -600)]
    assert found.unlisted == Group("unlisted", 1, -100)


async def test_earlier_balances_are_explained_on_either_clock(mixed: Ledger) -> None:
    by_position = await explain(mixed, "funds:unallocated", as_of=AsOf(recorded=2))
    assert (by_position.balance_minor, by_position.adds_up) == (-700, True)
    by_effect = await explain(mixed, "funds:unallocated", as_of=AsOf(effective=day(11, 1)))
    assert (by_effect.balance_minor, by_effect.adds_up) == (-50, True)
    assert [each.position for each in by_effect.contributions] == [1, 3]
    both = await explain(mixed, "funds:unallocated", as_of=AsOf(recorded=2, effective=day(11, 1)))
    assert (both.balance_minor, len(both.contributions)) == (-100, 1)


async def test_an_account_that_never_moved_is_explained_by_nothing(mixed: Ledger) -> None:
    found = await explain(mixed, "expense:gas", "USD")
    assert (found.balance_minor, found.adds_up, found.groups, found.unlisted.events) == (0, True, [], 0)
    with pytest.raises(HoldfastError) as refused:
        await explain(mixed, "pocket")
    assert refused.value.code == "unknown_account"


async def test_entries_that_do_not_come_to_the_balance_are_called_so(mixed: Ledger, owner: Ledger) -> None:
    await owner.pool.execute("update audit.account_entries set amount_minor = amount_minor + 1 where position = 3")
    found = await explain(mixed, "funds:unallocated")
    assert (found.adds_up, found.explained_minor - found.balance_minor) == (False, 1)
