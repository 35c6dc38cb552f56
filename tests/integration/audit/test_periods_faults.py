"""Closing a month while others post, die or close it too: everything of the month is sealed, once, or refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Appended, Closed, Outcome, Unit
from libs.eventstore.writer import Writer
from libs.ledger.errors import Rejected, Unavailable
from libs.ledger.journal import Postings, entry
from services.audit.domain.sheet import LINES_MAX, Line
from services.audit.handlers.periods import Periods
from services.audit.proofs.turnovers import BookTurnovers
from services.audit.views.periods import Views
from tests.integration.audit.months import META, OPENING_NIGHT, at, checked, periods, post, sealed_lines
from tests.integration.eventstore.units import capture

MID_OCTOBER = at("2026-10-15 12:00:00")
SELLERS = 21_000
PARTS = SELLERS // LINES_MAX + 1


def pay_out_nothing_to(sellers: range) -> Postings:
    """Each of them is owed their number."""
    credit = {f"seller:{number}:available": number + 1 for number in sellers}
    return entry("USD", debit={"stripe:platform": sum(credit.values())}, credit=credit)


@pytest.fixture
async def crowded(owner: Ledger) -> Ledger:
    """An October with tens of thousands of accounts."""
    for start in range(0, SELLERS, 7_000):
        assert isinstance(await post(owner, MID_OCTOBER, pay_out_nothing_to(range(start, start + 7_000))), Appended)
    return owner


class Dying(Writer):
    """Its process dies before the append after so many."""

    def __init__(self, ledger: Ledger, appends: int) -> None:
        super().__init__(ledger.store)
        self._left = appends

    async def append(self, unit: Unit) -> Outcome:
        if not self._left:
            raise Unavailable("killed")
        self._left -= 1
        return await super().append(unit)


@pytest.mark.parametrize("appends", [1, 1 + 4, 1 + PARTS], ids=["at the lock", "after four parts", "before the seal"])
async def test_a_closing_that_died_is_finished_by_closing_again(crowded: Ledger, ledger: Ledger, appends: int) -> None:
    dying = replace(ledger, writer=Dying(ledger, appends))
    with pytest.raises(Unavailable):
        await periods(dying).close("2026-10", META)
    assert (await Views(ledger).one("2026-10")).status == "closed"
    assert isinstance(await post(crowded, MID_OCTOBER, capture(1)), Closed)

    await periods(ledger).close("2026-10", META)

    assert (await Views(ledger).one("2026-10")).sealed().parts == PARTS
    written = await ledger.pool.fetch(
        "select type, count(*) from ledger.events where stream like 'period-%' group by type order by type"
    )
    assert [tuple(row) for row in written] == [("BalancesSealed", PARTS), ("PeriodClosed", 1), ("PeriodSealed", 1)]
    lines = await sealed_lines(ledger, "2026-10")
    assert len(lines) == SELLERS + 1
    assert lines[-1].closing_minor == SELLERS * (SELLERS + 1) // 2
    assert -sum(line.closing_minor for line in lines[:-1]) == lines[-1].closing_minor
    assert (await checked(ledger, "2026-10")).holds


async def test_two_who_close_at_once_close_and_seal_once(crowded: Ledger, ledger: Ledger, database_url: str) -> None:
    async with open_ledger(database_url, "audit") as other:
        await asyncio.gather(periods(ledger).close("2026-10", META), periods(other).close("2026-10", META))
    month = await Views(ledger).one("2026-10")
    assert [deed.what for deed in month.deeds] == ["closed", "sealed"]
    assert (await checked(ledger, "2026-10")).holds


async def test_a_posting_that_races_the_close_is_sealed_or_refused(
    owner: Ledger, ledger: Ledger, database_url: str
) -> None:
    """Many rounds: posters on connections of their own, each going on until it is refused; meanwhile the close."""
    landed = 0

    async def post_until_refused(poster: Ledger) -> int:
        count = 0
        while isinstance(await post(poster, MID_OCTOBER, capture(1)), Appended):
            count += 1
        return count

    async with AsyncExitStack() as stack:
        posters = [await stack.enter_async_context(open_ledger(database_url, "payment")) for _ in range(4)]
        assert isinstance(await post(owner, MID_OCTOBER, capture(1)), Appended)
        landed += 1
        for closing in range(1, 31):
            async with asyncio.TaskGroup() as racing:
                posting = [racing.create_task(post_until_refused(poster)) for poster in posters]
                await asyncio.sleep(closing / 2_000)  # the close meets the posters at another point each time
                await periods(ledger).close("2026-10", META)
            landed += sum(task.result() for task in posting)
            [funds, platform] = await sealed_lines(ledger, "2026-10", closing)
            assert (platform.closing_minor, funds.closing_minor) == (landed, -landed)
            await periods(ledger).reopen("2026-10", META)
    assert landed > 100
    await periods(ledger).close("2026-10", META)
    assert (await checked(ledger, "2026-10")).holds


async def test_a_sealing_that_a_reopening_overtakes_is_not_the_months(owner: Ledger, ledger: Ledger) -> None:
    """Between the sums and the seal somebody reopens the month and posts."""
    await post(owner, MID_OCTOBER, capture(1))

    class Overtaken(BookTurnovers):
        async def of_month(self, month: str, through: int) -> Sequence[Line]:
            lines = await super().of_month(month, through)
            await periods(ledger).reopen("2026-10", META)
            await post(owner, MID_OCTOBER, capture(10))
            return lines

    with pytest.raises(Rejected, match="was reopened while"):
        await Periods(ledger, Overtaken(ledger), lambda: OPENING_NIGHT).close("2026-10", META)
    await periods(ledger).close("2026-10", META)
    assert [line.closing_minor for line in await sealed_lines(ledger, "2026-10")] == [-11, 11]
    assert (await checked(ledger, "2026-10")).holds
