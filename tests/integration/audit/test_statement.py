"""Statements with figures computed by hand: month edges, two clocks, late entries, odd currencies, bad questions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Change, Meta, NewEvent, Unit
from libs.ledger.errors import HoldfastError
from libs.ledger.journal import transfer
from services.audit.proofs.replay import replay
from services.audit.reports.moments import Clock, Point
from services.audit.reports.spans import Place
from services.audit.reports.statement import Entry, Period, Statement, statement
from services.audit.views import entries
from tests.integration.audit.posting import day, follow, post, record_at
from tests.integration.eventstore.units import capture, hold, stream, unit

MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
async def months(owner: Ledger, ledger: Ledger) -> Ledger:
    """Captures on `stripe:platform`, recorded and effective around November; the fourth arrives weeks late.

    | position | recorded | effective | USD cents |
    |---|---|---|---|
    | 1 | 31 October, the last microsecond | 31 October | 100 |
    | 2 | 1 November, the first | 1 November, the first | 20 |
    | 3 | 15 November | 15 November | 3 |
    | 4 | 1 December, the first | 15 November, an hour before | 4000 |
    | 5 | 2 December | 30 November, the last microsecond | 50000 |
    | 6 | 3 December | 1 December, the first | 600000 |
    """
    for amount, effective in (
        (100, day(10, 31)),
        (20, day(11, 1, 0)),
        (3, day(11, 15)),
        (4_000, day(11, 15, 11)),
        (50_000, day(12, 1, 0) - MICROSECOND),
        (600_000, day(12, 1, 0)),
    ):
        await post(owner, capture(amount), effective)
    recorded = [day(11, 1, 0) - MICROSECOND, day(11, 1, 0), day(11, 15), day(12, 1, 0), day(12, 2), day(12, 3)]
    await record_at(owner, dict(enumerate(recorded, 1)))
    await follow(ledger)
    return ledger


async def shown(found: Statement) -> list[tuple[int, int, int]]:
    return [(each.position, each.amount_minor, each.balance_minor) async for each in found.entries()]


async def test_a_month_by_recorded_time_has_what_was_recorded_from_its_first_to_its_last_moment(months: Ledger) -> None:
    november = Period(day(11, 1, 0), day(12, 1, 0) - MICROSECOND)
    found = await statement(months, "stripe:platform", "USD", november)
    assert (found.opening_minor, found.closing_minor, found.position) == (100, 123, 3)
    assert await shown(found) == [(2, 20, 120), (3, 3, 123)]


async def test_a_month_by_effective_time_puts_late_entries_in_their_place(months: Ledger) -> None:
    november = Period(day(11, 1, 0), day(12, 1, 0) - MICROSECOND, "effective")
    found = await statement(months, "stripe:platform", "USD", november)
    assert (found.opening_minor, found.closing_minor, found.position) == (100, 54_123, 6)
    assert await shown(found) == [(2, 20, 120), (4, 4_000, 4_120), (3, 3, 4_123), (5, 50_000, 54_123)]


async def test_the_same_month_as_it_was_known_earlier_has_none_of_what_came_late(months: Ledger) -> None:
    november = Period(day(11, 1, 0), day(12, 1, 0) - MICROSECOND, "effective")
    known = day(12, 1, 0)
    found = await statement(months, "stripe:platform", "USD", november, known)
    assert (found.position, found.closing_minor) == (4, 4_123)
    found = await statement(months, "stripe:platform", "USD", november, 3)
    assert await shown(found) == [(2, 20, 120), (3, 3, 123)]


async def test_a_statement_without_an_end_closes_at_the_live_balance_on_either_clock(months: Ledger) -> None:
    live = await months.store.balance("stripe:platform", "USD")
    for period in (Period(), Period(3), Period(None, None, "effective"), Period(day(11, 15), None, "effective")):
        found = await statement(months, "stripe:platform", "USD", period)
        assert found.closing_minor == live == 654_123
        [*_, (_, _, last)] = await shown(found)
        assert last == live


async def test_positions_bound_a_statement_both_included(months: Ledger) -> None:
    found = await statement(months, "funds:unallocated", "USD", Period(2, 4))
    assert (found.opening_minor, found.closing_minor) == (-100, -4_123)
    assert await shown(found) == [(2, -20, -120), (3, -3, -123), (4, -4_000, -4_123)]
    assert await shown(await statement(months, "funds:unallocated", "USD", Period(3, 3))) == [(3, -3, -123)]


@pytest.mark.parametrize("by", ["recorded", "effective"])
async def test_pages_come_to_the_whole_statement(months: Ledger, by: Clock) -> None:
    found = await statement(months, "stripe:platform", "USD", Period(by=by))
    paged: list[Entry] = []
    after: Place | None = None
    while True:
        page = await found.page(after, 4)
        paged += page.entries
        after = page.next
        if after is None:
            break
    assert paged == [each async for each in found.entries()]
    assert [len((await found.page(None, limit)).entries) for limit in (1, 6, 7)] == [1, 6, 6]
    assert (await found.page(None, 6)).next is None


async def test_one_event_may_post_to_an_account_several_times(owner: Ledger, ledger: Ledger) -> None:
    postings = (*capture(5), *hold(5), *capture(7))
    await post(owner, postings, day(11, 2), "Mixed", reason="why", correlation_id="order-7")
    await follow(ledger)
    found = await statement(ledger, "funds:unallocated")
    [first, second, third] = [each async for each in found.entries()]
    assert [(each.line, each.balance_minor) for each in (first, second, third)] == [(2, -5), (3, 0), (6, -7)]
    assert (first.type, first.correlation_id, first.reason) == ("Mixed", "order-7", "why")
    assert (await found.page(Place(1, 2), 1)).entries == (second,)


async def test_currencies_of_no_three_and_eighteen_decimals_stay_apart_and_exact(owner: Ledger, ledger: Ledger) -> None:
    wei = 123_456_789_012_345_678_901_234
    for code, amount in (("JPY", 500), ("KWD", 1_234), ("ETH@1", wei)):
        await post(owner, transfer(code, amount, debit="stripe:platform", credit="revenue:commission"), day(11, 2))
        await post(owner, transfer(code, 1, debit="stripe:platform", credit="revenue:commission"), day(11, 3))
    await follow(ledger)
    for code, amount in (("JPY", 500), ("KWD", 1_234), ("ETH@1", wei)):
        found = await statement(ledger, "revenue:commission", code)
        assert [balance for _, _, balance in await shown(found)] == [-amount, -amount - 1]
    assert found.json()["closing_minor"] == str(-wei - 1)
    assert (await statement(ledger, "revenue:commission", "JPY")).json()["closing_minor"] == -501
    with pytest.raises(HoldfastError) as refused:
        await statement(ledger, "revenue:commission")
    assert (refused.value.code, refused.value.fields["currencies"]) == ("currency_needed", ["ETH@1", "JPY", "KWD"])


async def test_an_account_that_never_moved_has_an_empty_statement(months: Ledger) -> None:
    for period in (Period(), Period(by="effective")):
        found = await statement(months, "seller:nobody:available", "USD", period)
        assert (found.opening_minor, found.closing_minor, await shown(found)) == (0, 0, [])
    with pytest.raises(HoldfastError, match="has never moved"):
        await statement(months, "seller:nobody:available")


async def test_a_period_in_which_nothing_moved_opens_and_closes_alike(months: Ledger) -> None:
    found = await statement(months, "stripe:platform", "USD", Period(day(11, 16), day(11, 20), "effective"))
    assert (found.opening_minor, found.closing_minor, await shown(found)) == (4_123, 4_123, [])


BAD: list[tuple[str, str, Period, Point | None, str]] = [
    ("savings", "USD", Period(), None, "unknown_account"),
    ("stripe:platform", "XXX", Period(), None, "unknown_currency"),
    ("stripe:platform", "USD", Period(1, 7), None, "position_ahead"),
    ("stripe:platform", "USD", Period(), 7, "position_ahead"),
    ("stripe:platform", "USD", Period(), datetime(2999, 1, 1, tzinfo=UTC), "time_ahead"),
    ("stripe:platform", "USD", Period(5, 3), None, "from_after_to"),
    ("stripe:platform", "USD", Period(5), 3, "from_after_to"),
    ("stripe:platform", "USD", Period(day(11, 2), day(11, 1), "effective"), None, "from_after_to"),
    ("stripe:platform", "USD", Period(day(1, 2), day(1, 1)), None, "from_after_to"),
    ("stripe:platform", "USD", Period(5, None, "effective"), None, "bad_time"),
]


async def test_bad_questions_have_their_own_errors(months: Ledger) -> None:
    for account, currency, period, known, code in BAD:
        with pytest.raises(HoldfastError) as refused:
            await statement(months, account, currency, period, known)
        assert refused.value.code == code, (account, period)


async def test_entries_that_are_not_there_yet_are_waited_for_and_then_missed(months: Ledger, owner: Ledger) -> None:
    await post(owner, capture(1), day(12, 4))
    with pytest.raises(HoldfastError) as refused:
        await statement(months, "stripe:platform", "USD")
    assert (refused.value.code, refused.value.fields["position"]) == ("behind", 6)
    assert (await statement(months, "stripe:platform", "USD", known=6)).closing_minor == 654_123


async def test_entries_follow_the_log_alike_in_any_slices(owner: Ledger, database_url: str) -> None:
    """Running balances continue from slice to slice, and a slice holds many units of the same accounts."""
    for _ in range(4):
        change = [Change(stream(), 0, [NewEvent("Noted", "{}", day(11, 2), capture(n + 1)) for n in range(3)])]
        await owner.store.append([Unit(change, Meta("test")), *(unit(hold(1), capture(2)) for _ in range(50))])
        async with open_ledger(database_url, "audit") as ledger:
            await follow(ledger)
    wrong = await owner.pool.fetchval(
        "select count(*) from (select balance_minor, sum(amount_minor) over (partition by account, currency"
        " order by position, line) as proper from audit.account_entries) e where balance_minor <> proper"
    )
    rows = await owner.pool.fetch(
        "select account, currency, amount from ledger.balances b where amount <> (select balance_minor from"
        " audit.account_entries e where e.account = b.account and e.currency = b.currency"
        " order by position desc, line desc limit 1)"
    )
    assert (wrong, rows) == (0, [])
    assert (await replay(owner, [("audit", entries.projection())])).equal
    assert await owner.pool.fetchval("select count(*) from audit.account_entries") == 4 * (6 + 50 * 4)


async def test_a_reader_may_ask(months: Ledger, database_url: str) -> None:
    async with open_ledger(database_url, "reader") as reader:
        found = await statement(reader, "stripe:platform", "USD")
        assert len(await shown(found)) == 6
