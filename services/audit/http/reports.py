"""The reports over HTTP. They answer what the commands answer; times are written as there.

Amounts are integers in minor units, debit positive; beyond 2^53 they are strings of digits.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from libs.eventstore.ledger import Ledger
from services.audit.reports.balance_sheet import balance_sheet
from services.audit.reports.diff import diff
from services.audit.reports.explain import Order, explain
from services.audit.reports.moments import AsOf, Clock, asked, between, point_of
from services.audit.reports.spans import place_of
from services.audit.reports.statement import Period, statement
from services.audit.reports.trial_balance import trial_balance

Report = dict[str, Any]
Position = Annotated[int | None, Query(ge=0, description="As the log stood at this position.")]
Recorded = Annotated[
    str | None,
    Query(
        description="As was recorded by this time: 2026-11-30T12:00:00Z, or 2026-11-30 for the end of that day, UTC."
    ),
]
Effective = Annotated[str | None, Query(description="Only what took effect for the business by this time.")]
When = Annotated[str | None, Query(description="A position, or a time; of a day `from` is the start and `to` the end.")]
Limit = Annotated[int, Query(ge=1, le=1_000)]


def _as_of(position: Position = None, as_of: Recorded = None, effective: Effective = None) -> AsOf:
    return asked(position, as_of, effective)


Moment = Annotated[AsOf, Depends(_as_of)]


def router(ledger: Ledger) -> APIRouter:
    routes = APIRouter()

    @routes.get("/trial-balance")
    async def balances(moment: Moment) -> Report:
        """Every account on its side; now, or as of another moment recomputed from the events."""
        return (await trial_balance(ledger, moment)).json()

    @routes.get("/balance-sheet")
    async def sheet(moment: Moment) -> Report:
        """Assets, liabilities and earnings, which together must be equal in every currency."""
        return (await balance_sheet(ledger, moment)).json()

    @routes.get("/statements/{account}")
    async def account_statement(
        account: str,
        currency: str | None = None,
        start: Annotated[When, Query(alias="from")] = None,
        end: Annotated[When, Query(alias="to")] = None,
        by: Clock = "recorded",
        position: Position = None,
        as_of: Recorded = None,
        after: Annotated[str | None, Query(description="`next` of the page before.")] = None,
        limit: Limit = 100,
    ) -> Report:
        """Opening balance, a page of entries with the balance each left, closing balance.

        Give the `position` of the first page with the following ones, and all of them are about the same state.
        """
        first = None if start is None else point_of(start, ends=False)
        period = Period(first, None if end is None else point_of(end), by)
        found = await statement(ledger, account, currency, period, asked(position, as_of).recorded)
        return found.json(await found.page(None if after is None else place_of(after), limit))

    @routes.get("/explanations/{account}")
    async def explanation(
        account: str, moment: Moment, currency: str | None = None, order: Order = "largest", limit: Limit = 20
    ) -> Report:
        """The events behind a balance: what each type comes to, and the largest or latest of them."""
        return (await explain(ledger, account, currency, moment, order=order, limit=limit)).json()

    @routes.get("/diff")
    async def difference(
        before: Annotated[str, Query(description="A position, or a time (a day: its end).")],
        after: Annotated[str | None, Query(description="The same; now unless given.")] = None,
        by: Clock = "recorded",
        effective: Effective = None,
    ) -> Report:
        """The accounts that moved between two states of the book, and which events did it."""
        return (await diff(ledger, *between(before, after, by, effective))).json()

    return routes
