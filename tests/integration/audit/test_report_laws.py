"""What holds of the reports of any book: hypothesis writes the books."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Change, Meta, NewEvent, Unit
from libs.ledger.journal import Posting, transfer
from services.audit.reports.diff import diff
from services.audit.reports.explain import explain
from services.audit.reports.moments import AsOf
from services.audit.reports.statement import Period, statement
from services.audit.reports.trial_balance import trial_balance
from tests.integration.audit.posting import day, follow
from tests.integration.eventstore.units import stream

ACCOUNTS = ("stripe:platform", "revenue:commission", "expense:gas", "stripe:connected:s1")
HOURS = st.integers(0, 6)


@st.composite
def postings(draw: st.DrawFn) -> tuple[Posting, ...]:
    """One to three transfers between accounts that may go either way; an account may meet itself."""
    return tuple(
        posting
        for _ in range(draw(st.integers(1, 3)))
        for posting in transfer(
            draw(st.sampled_from(("USD", "ETH@1"))),
            draw(st.integers(1, 10**24)),
            debit=draw(st.sampled_from(ACCOUNTS)),
            credit=draw(st.sampled_from(ACCOUNTS)),
        )
    )


EVENTS = st.lists(st.tuples(postings(), HOURS, st.sampled_from(("A", "B", "C"))), min_size=1, max_size=6)


@pytest.fixture
def database_url(every_database_url: str) -> str:
    """The laws hold on both versions of PostgreSQL."""
    return every_database_url


@pytest.fixture(autouse=True)
def _short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is read or applied in slices is so here with a few events."""
    for name in (
        "libs.eventstore.projector.SLICE_POSITIONS_MAX",
        "services.audit.reports.balances.SLICE_POSITIONS",
        "services.audit.reports.diff.SLICE_POSITIONS",
        "services.audit.reports.statement.READ_ENTRIES",
    ):
        monkeypatch.setattr(name, 2)


def hour(number: int) -> datetime:
    return day(11, 1, 0) + timedelta(hours=number)


async def written(owner: Ledger, ledger: Ledger, events: list[tuple[tuple[Posting, ...], int, str]]) -> tuple[int, int]:
    """Each event in a block of its own; the positions before the first and of the last."""
    before = await ledger.feed.head()
    for made, effective, name in events:
        change = Change(stream(), 0, [NewEvent(name, "{}", hour(effective), made)])
        await owner.store.append([Unit([change], Meta("test"))])
    await follow(ledger)
    return before, await ledger.feed.head()


async def balances(ledger: Ledger, as_of: AsOf) -> Counter[tuple[str, str]]:
    found = await trial_balance(ledger, as_of)
    assert found.balanced
    return Counter({(line.account, line.currency): line.debit_minor - line.credit_minor for line in found.lines})


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS, effective=st.none() | HOURS, cut=st.integers(0, 6), later=HOURS)
async def test_reports_agree_with_each_other(
    owner: Ledger,
    ledger: Ledger,
    events: list[tuple[tuple[Posting, ...], int, str]],
    effective: int | None,
    cut: int,
    later: int,
) -> None:
    """One book that grows from example to example, so that slices and earlier entries are met too."""
    start, end = await written(owner, ledger, events)
    position = min(start + cut, end)
    limit = None if effective is None else hour(effective)
    after = AsOf(recorded=end, effective=None if limit is None else hour(max(effective or 0, later)))
    before = AsOf(recorded=position, effective=limit)
    at_first, at_last = await balances(ledger, before), await balances(ledger, after)

    changes = (await diff(ledger, before, after)).changes
    assert {(c.account, c.currency): c.change_minor for c in changes if c.change_minor} == {
        key: at_last[key] - at_first[key] for key in at_last.keys() | at_first.keys() if at_last[key] != at_first[key]
    }
    for change in changes:
        assert change.before_minor == at_first[change.account, change.currency]
        assert change.after_minor == at_last[change.account, change.currency]
    for account in ACCOUNTS:
        for currency in ("USD", "ETH@1"):
            found = await explain(ledger, account, currency, after, limit=3)
            assert found.adds_up
            assert found.balance_minor == at_last[account, currency]
            listed = sum(each.amount_minor for each in found.contributions)
            assert listed + found.unlisted.amount_minor == found.balance_minor


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS, low=HOURS, high=HOURS, cut=st.integers(1, 6))
async def test_a_statement_opens_and_closes_at_the_trial_balances_around_it(
    owner: Ledger, ledger: Ledger, events: list[tuple[tuple[Posting, ...], int, str]], low: int, high: int, cut: int
) -> None:
    start, end = await written(owner, ledger, events)
    first, last = hour(min(low, high)), hour(max(low, high))
    position = min(start + cut, end)
    for period, known, opens, closes in (
        (Period(position, end), None, AsOf(recorded=position - 1), AsOf(recorded=end)),
        (
            Period(first, last, "effective"),
            position,
            AsOf(recorded=position, effective=first - timedelta(microseconds=1)),
            AsOf(recorded=position, effective=last),
        ),
    ):
        at_first, at_last = await balances(ledger, opens), await balances(ledger, closes)
        for account in ACCOUNTS[:2]:
            found = await statement(ledger, account, "ETH@1", period, known)
            assert found.opening_minor == at_first[account, "ETH@1"]
            assert found.closing_minor == at_last[account, "ETH@1"]
            running = [each.balance_minor async for each in found.entries()]
            assert (running or [found.opening_minor])[-1] == found.closing_minor
