"""`/wallets`: what a seller has, in every sense of the word, and how it came to that."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from contracts.events.base import CurrencyCode, Party
from libs.eventstore.store import Store
from libs.ledger import chart
from services.payout_scheduler.views.reads import Views


class PurseOut(BaseModel):
    """One currency, minor units: `available` by the ledger now, `reserved` for chargebacks, `owed` to us (paid out of
    later releases), `pending` held in escrows, `in_transit` to the bank, and what was earned and withdrawn in total.
    """

    currency: str
    available_minor: int
    reserved_minor: int
    owed_minor: int
    pending_minor: int
    in_transit_minor: int
    earned_minor: int
    withdrawn_minor: int


class WalletOut(BaseModel):
    seller: str
    currencies: list[PurseOut]


class EntryOut(BaseModel):
    """One change of what is available. `about` is the order or payout; `stream` and `event` find it in the ledger."""

    currency: str
    amount_minor: int
    before_minor: int
    after_minor: int
    event: str
    stream: str
    about: str | None
    at: AwareDatetime


class EntriesOut(BaseModel):
    """`next` goes into `after` for the following page; null on the last one."""

    items: list[EntryOut]
    next: str | None


def router(views: Views, store: Store) -> APIRouter:
    routes = APIRouter(prefix="/wallets", tags=["wallets"])

    @routes.get("/{seller}")
    async def wallet(seller: Party) -> WalletOut:
        """A seller's money by currency; empty for a seller who never had any."""
        now, pending = await available(store, seller), await views.pending(seller)
        reserved = _negated(await _balances(store, chart.seller_reserved(seller)))
        owed = await _balances(store, chart.receivable_seller(seller))
        paid, earned = await views.paid(seller), await views.earned(seller)
        currencies = [
            PurseOut(
                currency=currency,
                available_minor=now.get(currency, 0),
                reserved_minor=reserved.get(currency, 0),
                owed_minor=owed.get(currency, 0),
                pending_minor=pending.get(currency, 0),
                in_transit_minor=paid.get(currency, (0, 0))[0],
                earned_minor=earned.get(currency, 0),
                withdrawn_minor=paid.get(currency, (0, 0))[1],
            )
            for currency in sorted(set().union(now, reserved, owed, pending, paid, earned))
        ]
        return WalletOut(seller=seller, currencies=currencies)

    @routes.get("/{seller}/entries")
    async def entries(
        seller: Party,
        currency: CurrencyCode | None = None,
        after: Annotated[str | None, Query(pattern=r"^\d{1,18}\.[A-Z0-9@]{3,32}$")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> EntriesOut:
        """Every entry with the balance before and after, newest first."""
        position, _, last = (after or "").partition(".")
        cursor = (int(position), last) if after else None
        rows = await views.entries(seller, currency=currency, after=cursor, limit=limit + 1)
        end = rows[limit - 1] if len(rows) > limit else None
        return EntriesOut(
            items=[EntryOut(**row) for row in rows[:limit]], next=end and f"{end['position']}.{end['currency']}"
        )

    return routes


async def available(store: Store, seller: str) -> dict[str, int]:
    """What may be paid out, by currency."""
    return _negated(await _balances(store, chart.seller_available(seller)))


def _negated(balances: dict[str, int]) -> dict[str, int]:
    """What we owe counts as more in the seller's eyes."""
    return {currency: -amount_minor for currency, amount_minor in balances.items()}


async def _balances(store: Store, account: str) -> dict[str, int]:
    like = re.sub(r"([\\%_])", r"\\\1", account)  # an underscore is any character to LIKE
    return {currency: amount_minor for (_, currency), amount_minor in (await store.balances(like)).items()}
