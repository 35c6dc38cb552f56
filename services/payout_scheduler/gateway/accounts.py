"""Sellers' accounts."""

from __future__ import annotations

from typing import Final

import stripe

from services.payout_scheduler.domain.seller import Readiness, seller_id
from services.payout_scheduler.gateway.part import Part, gone, metadata_of, time_of
from services.payout_scheduler.handlers.bank import AccountReport

_BROKEN_BANK: Final = frozenset({"errored", "verification_failed", "tokenized_account_number_deactivated"})


class Accounts(Part):
    async def create_account(self, seller: str, country: str, attempt: int) -> str:
        async with self._calls:
            account = await self._v1.accounts.create_async(
                {
                    "country": country,
                    "capabilities": {"transfers": {"requested": True}},
                    # We bear losses and fees, Stripe asks sellers for what the law wants to know of them.
                    "controller": {
                        "fees": {"payer": "application"},
                        "losses": {"payments": "application"},
                        "requirement_collection": "stripe",
                        "stripe_dashboard": {"type": "express"},
                    },
                    "metadata": {"seller": seller, "book": str(self._book)},
                },
                # The stream's id: another book may have a seller of the same name.
                {"idempotency_key": f"acct:{seller_id(self._book, seller)}:{attempt}"},
            )
        return account.id

    async def find_account(self, seller: str) -> str | None:
        async with self._calls:
            page = await self._v1.accounts.list_async({"limit": 100})
            async for account in page.auto_paging_iter():
                if self._seller(account) == seller:
                    return account.id
        return None

    async def stop_own_payouts(self, account_id: str, version: int) -> None:
        async with self._calls:
            await self._v1.balance_settings.update_async(
                {"payments": {"payouts": {"schedule": {"interval": "manual"}}}},
                {"stripe_account": account_id, "idempotency_key": f"bs:{account_id}:{version}"},
            )

    async def own_payouts(self, account_id: str) -> str | None:
        async with self._calls:
            try:
                settings = await self._v1.balance_settings.retrieve_async(None, {"stripe_account": account_id})
            except stripe.PermissionError as refusal:
                if gone(refusal):
                    return None
                raise
        payouts = settings.payments.payouts
        interval = payouts.schedule.interval if payouts and payouts.schedule else None
        return None if interval == "manual" else interval

    async def read_account(self, account_id: str) -> AccountReport | None:
        async with self._calls:
            try:
                account = await self._v1.accounts.retrieve_async(account_id)
            except stripe.PermissionError as refusal:
                if gone(refusal):
                    return None
                raise
        return AccountReport(
            account_id=account.id,
            seller=self._seller(account),
            readiness=_readiness(account),
            created_at=time_of(account.created or 0),
        )

    async def set_email(self, account_id: str, email: str) -> None:
        async with self._calls:
            await self._v1.accounts.update_async(account_id, {"email": email})

    async def onboarding_link(self, account_id: str, refresh_url: str, return_url: str) -> str:
        async with self._calls:
            link = await self._v1.account_links.create_async(
                {
                    "account": account_id,
                    "refresh_url": refresh_url,
                    "return_url": return_url,
                    "type": "account_onboarding",
                }
            )
        return link.url

    def _seller(self, account: stripe.Account) -> str | None:
        metadata = metadata_of(account)
        return metadata.get("seller") if metadata.get("book") == str(self._book) else None


def _readiness(account: stripe.Account) -> Readiness:
    capabilities, asked = account.capabilities, account.requirements
    deadline = asked.current_deadline if asked else None
    return Readiness(
        transfers_active=bool(capabilities and getattr(capabilities, "transfers", None) == "active"),
        payouts_enabled=bool(account.payouts_enabled) and _has_working_bank(account),
        requirements=tuple(sorted(asked.currently_due or ())) if asked else (),
        past_due=tuple(sorted(asked.past_due or ())) if asked else (),
        eventually_due=tuple(sorted(asked.eventually_due or ())) if asked else (),
        disabled_reason=asked.disabled_reason if asked else None,
        deadline=time_of(deadline) if deadline else None,
    )


def _has_working_bank(account: stripe.Account) -> bool:
    """A bank account that bounced a payout gets no more of them, whatever else Stripe says of payouts."""
    known = account.external_accounts.data if account.external_accounts else []
    return not known or any(getattr(each, "status", None) not in _BROKEN_BANK for each in known)
