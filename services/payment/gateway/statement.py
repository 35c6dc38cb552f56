"""The platform's balance at Stripe, line by line: all but transfers, which the payout scheduler examines."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import stripe
from stripe.params import BalanceTransactionListParams, BalanceTransactionListParamsCreated

from libs.ledger.reconciliation import Line
from libs.runtime.calls import Calls
from libs.runtime.reconcile.steady import Change, balances_at
from services.payment.domain.amounts import from_stripe
from services.payment.domain.fees import FEE_LINES, FEE_OF_LINE
from services.payment.gateway.reports import time_of

TRANSFERS: Final = frozenset({"transfer", "transfer_refund", "transfer_cancel", "transfer_failure"})
_LINE: Final = "txn_"  # what the ids of lines begin with
_PAGE: Final = 100


class PlatformStatement:
    """Implements `Statement`, and `Moving` for its balance."""

    def __init__(self, client: stripe.StripeClient, calls: Calls) -> None:
        self._v1 = client.v1
        self._calls = calls

    async def pages(self, since: datetime | None, until: datetime) -> AsyncIterator[Sequence[Line]]:
        created: BalanceTransactionListParamsCreated = {"lte": int(until.timestamp())}
        if since:
            created["gt"] = int(since.timestamp())
        async for page in self._listed({"created": created}):
            if lines := [line for found in page for line in _lines(found)]:
                yield lines

    async def lines_of(self, source: str) -> Sequence[Line]:
        """Of a line's own id, what has no other source: its fee, above all."""
        if source.startswith(_LINE):
            async with self._calls:
                found = [await self._v1.balance_transactions.retrieve_async(source)]
        else:
            found = [each async for page in self._listed({"source": source}) for each in page]
        return [line for each in found for line in _lines(each) if line.source == source]

    async def balances_at(self, at: datetime) -> Mapping[str, int]:
        return await balances_at(self, at)

    async def newest(self) -> Change | None:
        async with self._calls:
            page = await self._v1.balance_transactions.list_async({"limit": 1})
        return _change(page.data[0]) if page.data else None

    async def held(self) -> Mapping[str, int]:
        async with self._calls:
            balance = await self._v1.balance.retrieve_async()
        held: Counter[str] = Counter()
        for parts in (balance.available, balance.pending):
            for part in parts:
                held[part.currency.upper()] += from_stripe(part.amount, part.currency.upper())
        return held

    async def before(self, line_id: str, after: datetime) -> AsyncIterator[Sequence[Change]]:
        async for page in self._listed({"created": {"gt": int(after.timestamp())}, "starting_after": line_id}):
            yield [_change(found) for found in page]

    async def _listed(self, params: BalanceTransactionListParams) -> AsyncIterator[Sequence[stripe.BalanceTransaction]]:
        """Pages of lines, newest first, each forgotten before the next is asked for."""
        asked: BalanceTransactionListParams = {**params, "limit": _PAGE}
        more = True
        while more:
            async with self._calls:
                page = await self._v1.balance_transactions.list_async(asked)
            if page.data:
                asked["starting_after"] = page.data[-1].id
                yield page.data
            more = page.has_more


def _lines(found: stripe.BalanceTransaction) -> Sequence[Line]:
    if found.type in TRANSFERS:
        return ()
    source = found.source if isinstance(found.source, str) else None
    if found.type in FEE_LINES:
        return (_line(found, found.id, found.type, found.net, charged_for=source),)
    # A dispute's fee is part of what the dispute took: it is booked with the chargeback.
    amount = found.net if found.type == "adjustment" else found.amount
    lines = [_line(found, source or found.id, found.type, amount)] if amount else []
    if fee := amount - found.net:
        lines.append(_line(found, found.id, FEE_OF_LINE, -fee, charged_for=source))
    return lines


def _line(
    found: stripe.BalanceTransaction, source: str, line_type: str, amount: int, *, charged_for: str | None = None
) -> Line:
    return Line(
        id=found.id,
        source=source,
        line_type=line_type,
        currency=found.currency.upper(),
        amount_minor=_minor(amount, found),
        at=time_of(found.created),
        charged_for=charged_for,
    )


def _change(found: stripe.BalanceTransaction) -> Change:
    return Change(found.id, found.currency.upper(), _minor(found.net, found), time_of(found.created))


def _minor(amount: int, found: stripe.BalanceTransaction) -> int:
    return from_stripe(amount, found.currency.upper())
