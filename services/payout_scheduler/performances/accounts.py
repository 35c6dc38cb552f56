"""Sellers' accounts at Stripe: made, read again, and kept from paying out by themselves."""

from __future__ import annotations

from datetime import datetime

from libs.eventstore.execute import Step
from libs.eventstore.worklist import Item
from libs.ledger.errors import Unavailable
from libs.runtime.outcomes import Refused
from services.payout_scheduler.domain.seller import (
    SELLER,
    NoteAccount,
    NoteAccountRefused,
    NoteDeauthorized,
    NoteOwnPayouts,
    SellerOwnPayoutsFound,
    seller_id,
)
from services.payout_scheduler.handlers.bank import AccountReport
from services.payout_scheduler.performances.means import Means, repeats

FIRST_VERSION = 1


class Accounts:
    def __init__(self, means: Means) -> None:
        self._means = means
        self._bank = means.bank

    async def create(self, item: Item) -> None:
        seller, attempt = item.data["seller"], item.data["attempt"]
        found = await self._bank.find_account(seller) if repeats(item) else None
        try:
            account_id = found or await self._bank.create_account(seller, item.data["country"], attempt)
        except Refused as no:
            refused = NoteAccountRefused(attempt=attempt, code=no.code, reason=no.text, at=self._means.clock())
            await self._means.record(item, Step(SELLER, item.subject, refused))
            return
        await self._bank.stop_own_payouts(account_id, FIRST_VERSION)
        # Read after all that: what a webhook told meanwhile was for nobody, the account being unknown until now.
        account = await self._bank.read_account(account_id)
        if account is None:
            raise Unavailable(f"The account {account_id} was made, and Stripe does not show it.")
        await self._means.record(item, Step(SELLER, item.subject, _note(account, account.created_at, opened=True)))

    async def as_it_is_now(self, account_id: str, at: datetime) -> list[Step]:
        """What is to be recorded of an account, as Stripe shows it or no longer does."""
        account = await self._bank.read_account(account_id)
        if account is None:
            seller = await self._means.views.seller_of(account_id)
            gone = NoteDeauthorized(account_id=account_id, at=at)
            return [Step(SELLER, seller_id(self._means.book, seller), gone)] if seller else []
        if account.seller is None:
            return []
        return [Step(SELLER, seller_id(self._means.book, account.seller), _note(account, at))]

    async def stop_own_payouts(self, item: Item, account_id: str, at: datetime) -> None:
        """Set the manual schedule back where somebody changed it: what is reserved or owed back would leave by it.

        Recorded first, for a call needs a new version: under the old one Stripe would only repeat its old answer.
        """
        seller = await self._means.views.seller_of(account_id)
        if seller is None or (interval := await self._bank.own_payouts(account_id)) is None:
            return
        found = NoteOwnPayouts(account_id=account_id, interval=interval, at=at)
        done = await self._means.record(item, Step(SELLER, seller_id(self._means.book, seller), found))
        for event in done.events:
            if isinstance(event, SellerOwnPayoutsFound):
                await self._bank.stop_own_payouts(account_id, event.version)


def _note(account: AccountReport, at: datetime, *, opened: bool = False) -> NoteAccount:
    return NoteAccount(account_id=account.account_id, readiness=account.readiness, at=at, opened=opened)
