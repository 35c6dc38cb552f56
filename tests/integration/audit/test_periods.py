"""Closing months on a real book: what is locked, what is sealed, and what stays of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count, product

import pytest

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Appended, Change, Closed, Key, Meta, NewEvent, Refused, Unit
from libs.ledger.errors import NotFound, Rejected
from libs.ledger.journal import transfer
from services.audit.domain.periods import periods_id
from services.audit.domain.sheet import Line, Total
from services.audit.proofs.verify import verify
from services.audit.views.periods import Views
from tests.conftest import Databases
from tests.integration.audit.months import META, at, checked, dated, periods, post, sealed_lines
from tests.integration.eventstore.units import capture, hold

_books = count(2)
REOPENING = Meta("bob", "an invoice was forgotten")


@pytest.fixture(scope="module")
async def url(every_databases: Databases) -> AsyncIterator[str]:
    """One database for all tests of this file, on either version; a book each keeps them apart."""
    made = await every_databases.create()
    yield made
    await every_databases.drop(made)


@pytest.fixture
async def owner(url: str) -> AsyncIterator[Ledger]:
    async with open_ledger(url, None, book=next(_books)) as opened:
        await opened.pool.execute("insert into ledger.books (book) values ($1)", opened.store.book)
        yield opened


@pytest.fixture
async def ledger(url: str, owner: Ledger) -> AsyncIterator[Ledger]:
    async with open_ledger(url, "audit", book=owner.store.book) as opened:
        yield opened


@pytest.fixture
async def autumn(owner: Ledger) -> Ledger:
    """September, October and November 2026, each posting at an edge, recorded out of their order."""
    await post(owner, at("2026-11-01 00:00:00"), capture(1_000_000))
    await post(owner, at("2026-10-01 00:00:00"), capture(20_000), hold(3_000))
    await post(owner, at("2026-09-30 23:59:59.999999"), capture(100), hold(30))
    await post(owner, at("2026-10-31 23:59:59.999999"), capture(7))
    await post(owner, at("2026-10-15 12:00:00"), transfer("EUR", 5, debit="expense:gas", credit="revenue:commission"))
    return owner


def _line(account: str, opening: int, debit: int, credit: int, closing: int, currency: str = "USD") -> Line:
    return Line(
        account=account,
        currency=currency,
        opening_minor=opening,
        debit_minor=debit,
        credit_minor=credit,
        closing_minor=closing,
    )


async def test_sealed_balances_are_the_ones_worked_out_by_hand(autumn: Ledger, ledger: Ledger) -> None:
    await periods(ledger).close("2026-09", META)
    await periods(ledger).close("2026-10", META)
    assert await sealed_lines(ledger, "2026-09") == [
        _line("escrow:held", 0, 0, 30, -30),
        _line("funds:unallocated", 0, 30, 100, -70),
        _line("stripe:platform", 0, 100, 0, 100),
    ]
    assert await sealed_lines(ledger, "2026-10") == [
        _line("expense:gas", 0, 5, 0, 5, "EUR"),
        _line("revenue:commission", 0, 0, 5, -5, "EUR"),
        _line("escrow:held", -30, 0, 3_000, -3_030),
        _line("funds:unallocated", -70, 3_000, 20_007, -17_077),
        _line("stripe:platform", 100, 20_007, 0, 20_107),
    ]
    sealing = (await Views(ledger).one("2026-10")).sealed()
    assert (sealing.lines, sealing.parts) == (5, 1)
    assert sealing.totals == (
        Total(currency="EUR", debit_minor=5, credit_minor=5, closing_debit_minor=5, closing_credit_minor=5),
        Total(
            currency="USD",
            debit_minor=23_007,
            credit_minor=23_007,
            closing_debit_minor=20_107,
            closing_credit_minor=20_107,
        ),
    )
    assert [(await checked(ledger, month)).holds for month in ("2026-09", "2026-10")] == [True, True]


async def test_the_29th_of_february_is_of_february(owner: Ledger, ledger: Ledger) -> None:
    await post(owner, at("2028-02-29 23:59:59.999999"), capture(1))
    await post(owner, at("2028-03-01 00:00:00"), capture(10))
    march = periods(ledger, at("2028-03-01 00:00:00"))
    await march.close("2028-02", META)
    assert [line.closing_minor for line in await sealed_lines(ledger, "2028-02")] == [-1, 1]
    assert isinstance(await post(owner, at("2028-02-29 12:00:00"), capture(1)), Closed)
    with pytest.raises(Rejected, match="has not ended"):
        await march.close("2028-03", META)


async def test_nothing_is_posted_into_a_closed_month_to_its_last_instant(autumn: Ledger, ledger: Ledger) -> None:
    await periods(ledger).close("2026-09", META)
    last, first = at("2026-09-30 23:59:59.999999"), at("2026-10-01 00:00:00")
    before, refused, beside = await autumn.store.append(
        [dated(first, capture(1)), dated(last, capture(1)), dated(first, capture(1))]
    )
    assert refused == Closed(last, first)
    assert isinstance(before, Appended)
    assert isinstance(beside, Appended)
    assert isinstance(await post(autumn, at("1999-12-31 12:00:00"), capture(1)), Closed)


async def test_a_note_without_postings_may_be_dated_into_a_closed_month(autumn: Ledger, ledger: Ledger) -> None:
    await periods(ledger).close("2026-09", META)
    assert isinstance(await post(autumn, at("2026-09-15 12:00:00")), Appended)
    assert (await checked(ledger, "2026-09")).holds


async def test_months_close_in_order_from_the_first_posting_on(autumn: Ledger, ledger: Ledger) -> None:
    with pytest.raises(Rejected, match="close-month 2026-09"):
        await periods(ledger).close("2026-10", META)
    assert await Views(ledger).all() == []
    assert isinstance(await post(autumn, at("2026-09-01 00:00:00"), capture(1)), Appended)


async def test_an_empty_book_has_no_month_to_close(owner: Ledger, ledger: Ledger) -> None:
    await post(owner, at("2026-09-01 00:00:00"))  # posts nothing
    with pytest.raises(Rejected) as refused:
        await periods(ledger).close("2026-09", META)
    assert refused.value.code == "nothing_posted"


async def test_an_empty_month_is_closed_like_any_other(owner: Ledger, ledger: Ledger) -> None:
    await post(owner, at("2026-08-05 00:00:00"), capture(1))
    await post(
        owner, at("2026-08-06 00:00:00"), transfer("USD", 1, debit="funds:unallocated", credit="stripe:platform")
    )
    for month in ("2026-08", "2026-09"):
        await periods(ledger).close(month, META)
    sealing = (await Views(ledger).one("2026-09")).sealed()
    assert (sealing.lines, sealing.parts, sealing.totals) == (0, 0, ())
    assert (await checked(ledger, "2026-09")).holds


async def test_closing_again_stores_nothing(autumn: Ledger, ledger: Ledger) -> None:
    await periods(ledger).close("2026-09", META)
    head = await ledger.feed.head()
    await periods(ledger).close("2026-09", replace(META, actor="carol"))
    assert await ledger.feed.head() == head
    [month] = await Views(ledger).all()
    assert [(deed.what, deed.actor, deed.reason) for deed in month.deeds] == [
        ("closed", "alice", "the month is complete"),
        ("sealed", "alice", "the month is complete"),
    ]


async def test_reopening_leaves_a_trace_and_both_sealings(autumn: Ledger, ledger: Ledger) -> None:
    await periods(ledger).close("2026-09", META)
    await periods(ledger).reopen("2026-09", REOPENING)
    assert isinstance(await post(autumn, at("2026-09-15 00:00:00"), capture(900)), Appended)
    assert isinstance(
        await post(autumn, at("2026-08-31 00:00:00"), capture(900)), Closed
    )  # what came before stays shut
    await periods(ledger).close("2026-09", META)

    month = await Views(ledger).one("2026-09")
    assert [(deed.what, deed.actor) for deed in month.deeds] == [
        ("closed", "alice"),
        ("sealed", "alice"),
        ("reopened", "bob"),
        ("closed", "alice"),
        ("sealed", "alice"),
    ]
    assert month.deeds[2].reason == "an invoice was forgotten"
    assert [deed.position for deed in month.deeds] == sorted(deed.position for deed in month.deeds)
    assert [line.closing_minor for line in await sealed_lines(ledger, "2026-09", closing=1)] == [-30, -70, 100]
    assert [line.closing_minor for line in await sealed_lines(ledger, "2026-09")] == [-30, -970, 1_000]
    assert (await checked(ledger, "2026-09", closing=1)).holds  # as of then
    assert (await checked(ledger, "2026-09", closing=2)).holds
    assert isinstance(await post(autumn, at("2026-09-15 00:00:00"), capture(1)), Closed)
    assert (await verify(ledger)).faults == []


async def test_only_the_last_closed_month_is_reopened(autumn: Ledger, ledger: Ledger) -> None:
    await periods(ledger).close("2026-09", META)
    await periods(ledger).close("2026-10", META)
    with pytest.raises(Rejected, match="reopen-month 2026-10"):
        await periods(ledger).reopen("2026-09", REOPENING)
    assert isinstance(await post(autumn, at("2026-10-15 00:00:00"), capture(1)), Closed)


async def test_closing_and_reopening_take_a_reason(autumn: Ledger, ledger: Ledger) -> None:
    for act, reason in product((periods(ledger).close, periods(ledger).reopen), (None, "", "  ")):
        with pytest.raises(Rejected) as refused:
            await act("2026-09", Meta("alice", reason))
        assert refused.value.code == "reason_missing"


async def test_a_request_that_comes_again_after_a_reopening_closes_nothing(autumn: Ledger, ledger: Ledger) -> None:
    key = Key("http:once", bytes(32))
    await periods(ledger).close("2026-09", META, key)
    await periods(ledger).reopen("2026-09", REOPENING)
    await periods(ledger).close("2026-09", META, key)
    assert (await Views(ledger).one("2026-09")).status == "reopened"


async def test_no_other_role_may_close_a_month(autumn: Ledger, url: str) -> None:
    async with open_ledger(url, "payment", book=autumn.store.book) as payment:
        with pytest.raises(Rejected) as refused:
            await periods(payment).close("2026-09", META)
        assert refused.value.code == "forbidden"
        forged = NewEvent("PeriodReopened", '{"closed_before": "1970-01-01T00:00:00Z"}', at("2026-12-24"))
        stream = f"period-{periods_id(autumn.store.book)}"
        [outcome] = await payment.store.append([Unit([Change(stream, 0, [forged])], META)])
        assert isinstance(outcome, Refused)
        assert outcome.code == "forbidden"
    assert isinstance(await post(autumn, at("2026-09-15 00:00:00"), capture(1)), Appended)


async def test_what_got_past_the_lock_is_shown_by_the_check(autumn: Ledger, ledger: Ledger) -> None:
    await periods(ledger).close("2026-09", META)
    await autumn.pool.execute("update ledger.books set closed_before = '-infinity' where book = $1", autumn.store.book)
    assert isinstance(await post(autumn, at("2026-09-15 00:00:00"), hold(7)), Appended)
    found = await checked(ledger, "2026-09")
    assert not found.holds
    assert [(each.account, each.sealed, each.recomputed) for each in found.differences] == [
        ("escrow:held", _line("escrow:held", 0, 0, 30, -30), _line("escrow:held", 0, 0, 37, -37)),
        ("funds:unallocated", _line("funds:unallocated", 0, 30, 100, -70), _line("funds:unallocated", 0, 37, 100, -63)),
    ]


async def test_a_month_that_was_never_closed_is_not_found(ledger: Ledger) -> None:
    with pytest.raises(NotFound) as missing:
        await Views(ledger).one("2026-09")
    assert missing.value.code == "period_never_closed"
