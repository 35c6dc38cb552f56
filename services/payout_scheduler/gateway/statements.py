"""What Stripe's statements say of transfers, on the platform's balance and on each seller's."""

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
from services.payout_scheduler.domain.amounts import from_stripe
from services.payout_scheduler.gateway.part import time_of

TRANSFERS: Final = ("transfer", "transfer_refund", "transfer_cancel", "transfer_failure")
"""The platform's other lines are the payment service's to examine."""
_TRANSFER: Final = "tr_"
_PAGE: Final = 100


class _Listing:
    """Lines of one account: the platform's own where `account_id` is None."""

    def __init__(self, client: stripe.StripeClient, calls: Calls, account_id: str | None) -> None:
        self._v1 = client.v1
        self._calls = calls
        self._options: stripe.RequestOptions = {"stripe_account": account_id} if account_id else {}

    async def _listed(self, params: BalanceTransactionListParams) -> AsyncIterator[Sequence[stripe.BalanceTransaction]]:
        """Pages of lines, newest first, each forgotten before the next is asked for."""
        asked: BalanceTransactionListParams = {**params, "limit": _PAGE}
        more = True
        while more:
            async with self._calls:
                page = await self._v1.balance_transactions.list_async(asked, self._options)
            if page.data:
                asked["starting_after"] = page.data[-1].id
                yield page.data
            more = page.has_more


class TransferStatement(_Listing):
    """Implements `Statement` for the transfers among the platform's lines; of its balance it knows nothing."""

    def __init__(self, client: stripe.StripeClient, calls: Calls) -> None:
        super().__init__(client, calls, None)

    async def pages(self, since: datetime | None, until: datetime) -> AsyncIterator[Sequence[Line]]:
        for line_type in TRANSFERS:
            async for page in self._listed({"created": _between(since, until), "type": line_type}):
                yield [_line(found, _id(found)) for found in page]

    async def lines_of(self, source: str) -> Sequence[Line]:
        pages = self._listed({"source": source})
        return [_line(found, source) async for page in pages for found in page if found.type in TRANSFERS]


class SellerStatement(_Listing):
    """Implements `Statement` for a connected account, and `Moving` for its balance.

    What came by a transfer, and what of it went back, has that transfer as its source: so we know it, and the account
    knows only a payment and refunds of it.
    """

    async def pages(self, since: datetime | None, until: datetime) -> AsyncIterator[Sequence[Line]]:
        params: BalanceTransactionListParams = {"created": _between(since, until), "expand": ["data.source"]}
        async for page in self._listed(params):
            yield [_line(found, await self._source(found)) for found in page]

    async def lines_of(self, source: str) -> Sequence[Line]:
        own = await self._own_names(source) if source.startswith(_TRANSFER) else [source]
        pages = [self._listed({"source": name}) for name in own]
        return [_line(found, source) for listed in pages async for page in listed for found in page]

    async def balances_at(self, at: datetime) -> Mapping[str, int]:
        return await balances_at(self, at)

    async def newest(self) -> Change | None:
        async with self._calls:
            page = await self._v1.balance_transactions.list_async({"limit": 1}, self._options)
        return _change(page.data[0]) if page.data else None

    async def held(self) -> Mapping[str, int]:
        async with self._calls:
            balance = await self._v1.balance.retrieve_async(None, self._options)
        held: Counter[str] = Counter()
        for parts in (balance.available, balance.pending):
            for part in parts:
                held[part.currency.upper()] += from_stripe(part.amount, part.currency.upper())
        return held

    async def before(self, line_id: str, after: datetime) -> AsyncIterator[Sequence[Change]]:
        async for page in self._listed({"created": {"gt": int(after.timestamp())}, "starting_after": line_id}):
            yield [_change(found) for found in page]

    async def _source(self, found: stripe.BalanceTransaction) -> str:
        origin: object = found.source
        if isinstance(origin, stripe.Refund) and isinstance(origin.charge, str):
            async with self._calls:
                origin = await self._v1.charges.retrieve_async(origin.charge, None, self._options)
        transfer = origin.source_transfer if isinstance(origin, stripe.Charge) else None
        return transfer if isinstance(transfer, str) else _id(found)

    async def _own_names(self, transfer_id: str) -> Sequence[str]:
        """What the account calls a transfer, and what went back of it."""
        async with self._calls:
            transfer = await self._v1.transfers.retrieve_async(transfer_id)
        payment = transfer.destination_payment
        if not isinstance(payment, str):
            return ()
        async with self._calls:
            page = await self._v1.refunds.list_async({"charge": payment, "limit": _PAGE}, self._options)
            return [payment, *[refund.id async for refund in page.auto_paging_iter()]]


def _between(since: datetime | None, until: datetime) -> BalanceTransactionListParamsCreated:
    created: BalanceTransactionListParamsCreated = {"lte": int(until.timestamp())}
    if since:
        created["gt"] = int(since.timestamp())
    return created


def _id(found: stripe.BalanceTransaction) -> str:
    source = found.source
    if isinstance(source, str):
        return source
    return str(getattr(source, "id", found.id))


def _line(found: stripe.BalanceTransaction, source: str) -> Line:
    return Line(
        id=found.id,
        source=source,
        line_type=found.type,
        currency=found.currency.upper(),
        amount_minor=_minor(found),
        at=time_of(found.created),
    )


def _change(found: stripe.BalanceTransaction) -> Change:
    return Change(found.id, found.currency.upper(), _minor(found), time_of(found.created))


def _minor(found: stripe.BalanceTransaction) -> int:
    return from_stripe(found.net, found.currency.upper())
