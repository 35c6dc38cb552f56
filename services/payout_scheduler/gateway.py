"""Stripe, the sellers' side: accounts, transfers, payouts, connected accounts' webhooks. Nobody else sees its types."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Final, Literal
from uuid import UUID

import stripe

from libs.runtime.calls import NETWORK_RETRIES_MAX, TIMEOUT_SECONDS, Calls
from libs.runtime.notices import NoticeReader
from services.payout_scheduler.domain.payout import Claim
from services.payout_scheduler.domain.seller import Readiness, seller_id
from services.payout_scheduler.domain.webhook import Notice
from services.payout_scheduler.handlers.bank import AccountReport, PayoutReport, TransferCall, TransferReport

SECRET: Final = "HOLDFAST_STRIPE_CONNECT_WEBHOOK_SECRET"  # noqa: S105 - the variable's name

NOTICE_TYPES: Final = frozenset(
    {
        "account.updated",
        "capability.updated",
        "account.external_account.created",
        "account.external_account.updated",
        "account.external_account.deleted",
        "payout.updated",
        "payout.paid",
        "payout.failed",
        "payout.canceled",
    }
)
"""The events that the connected accounts' endpoint at Stripe needs to send; others are answered and forgotten."""


class StripeGateway:
    """Implements `Bank`, and reads Stripe's notices."""

    def __init__(self, client: stripe.StripeClient, webhook_secret: str, book: int) -> None:
        self._v1 = client.v1
        self._calls = Calls(stripe.StripeError, key_reused=stripe.IdempotencyError)
        verify = partial(
            stripe.WebhookSignature.verify_header, secret=webhook_secret, tolerance=stripe.Webhook.DEFAULT_TOLERANCE
        )
        self._notices = NoticeReader(NOTICE_TYPES, verify, stripe.SignatureVerificationError, SECRET)
        self._book = book

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

    async def stop_own_payouts(self, account_id: str) -> None:
        async with self._calls:
            await self._v1.balance_settings.update_async(
                {"payments": {"payouts": {"schedule": {"interval": "manual"}}}},
                {"stripe_account": account_id, "idempotency_key": f"bs:{account_id}:1"},
            )

    async def read_account(self, account_id: str) -> AccountReport:
        async with self._calls:
            account = await self._v1.accounts.retrieve_async(account_id)
        capabilities, asked = account.capabilities, account.requirements
        return AccountReport(
            account_id=account.id,
            seller=self._seller(account),
            readiness=Readiness(
                transfers_active=bool(capabilities and getattr(capabilities, "transfers", None) == "active"),
                payouts_enabled=bool(account.payouts_enabled),
                requirements=tuple(sorted(asked.currently_due or ())) if asked else (),
            ),
            created_at=_time(account.created or 0),
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

    async def create_transfer(self, call: TransferCall) -> TransferReport:
        release = call.release
        async with self._calls:
            transfer = await self._v1.transfers.create_async(
                {
                    "amount": release.amount_minor,
                    "currency": _lower(release.currency),
                    "destination": call.account_id,
                    "source_transaction": release.charge,
                    "transfer_group": release.order_id,
                    "metadata": {
                        "transfer_id": str(release.transfer_id),
                        "order_id": release.order_id,
                        "book": str(self._book),
                    },
                },
                {"idempotency_key": call.key},
            )
        return _transfer_report(transfer)

    async def find_transfer(self, call: TransferCall) -> TransferReport | None:
        release = call.release
        async with self._calls:
            page = await self._v1.transfers.list_async(
                {"transfer_group": release.order_id, "destination": call.account_id, "limit": 100}
            )
            async for transfer in page.auto_paging_iter():
                if _metadata(transfer).get("transfer_id") == str(release.transfer_id):
                    return _transfer_report(transfer)
        return None

    async def create_payout(self, claim: Claim) -> PayoutReport:
        async with self._calls:
            payout = await self._v1.payouts.create_async(
                {
                    "amount": claim.amount_minor,
                    "currency": _lower(claim.currency),
                    "metadata": {
                        "payout_id": str(claim.payout_id),
                        "attempt": str(claim.attempt),
                        "book": str(self._book),
                    },
                },
                {"stripe_account": claim.account_id, "idempotency_key": f"po:{claim.payout_id}:{claim.attempt}"},
            )
        return self._payout_report(payout)

    async def find_payout(self, claim: Claim) -> PayoutReport | None:
        async with self._calls:
            page = await self._v1.payouts.list_async({"limit": 100}, {"stripe_account": claim.account_id})
            async for payout in page.auto_paging_iter():
                report = self._payout_report(payout)
                if (report.payout_id, report.attempt) == (claim.payout_id, claim.attempt):
                    return report
        return None

    async def read_payout(self, account_id: str, stripe_payout: str) -> PayoutReport:
        async with self._calls:
            payout = await self._v1.payouts.retrieve_async(stripe_payout, None, {"stripe_account": account_id})
        return self._payout_report(payout)

    async def available_minor(self, account_id: str, currency: str) -> int:
        async with self._calls:
            balance = await self._v1.balance.retrieve_async(None, {"stripe_account": account_id})
        return sum(part.amount for part in balance.available if part.currency == _lower(currency))

    def read_notice(self, body: bytes, signature: str | None) -> Notice | None:
        """As `NoticeReader.read`; None also for what is about the platform's own account."""
        event = self._notices.read(body, signature)
        if event is None or event.account is None:
            return None
        return Notice(
            notice_id=event.id,
            type=event.type,
            account_id=event.account,
            object_id=event.data.object.id,
            at=_time(event.created),
        )

    def _seller(self, account: stripe.Account) -> str | None:
        metadata = _metadata(account)
        return metadata.get("seller") if metadata.get("book") == str(self._book) else None

    def _payout_report(self, payout: stripe.Payout) -> PayoutReport:
        metadata = _metadata(payout)
        ours = metadata.get("book") == str(self._book) and "payout_id" in metadata
        return PayoutReport(
            stripe_payout=payout.id,
            payout_id=UUID(metadata["payout_id"]) if ours else None,
            attempt=int(metadata["attempt"]) if ours else 0,
            status=_payout_status(payout.status),
            code=payout.failure_code or payout.status,
            # In our words: the bank's may name the holder of the account, and the code says as much.
            reason=f"Stripe says: the payout is {payout.status}",
            created_at=_time(payout.created),
        )


def _payout_status(status: str) -> Literal["pending", "paid", "failed"]:
    match status:
        case "paid":
            return "paid"
        case "failed" | "canceled":
            return "failed"
        case _:  # pending, in_transit
            return "pending"


@asynccontextmanager
async def open_gateway(
    api_key: str,
    webhook_secret: str,
    book: int,
    *,
    api_base: str,
    timeout_seconds: float = TIMEOUT_SECONDS,
    network_retries_max: int = NETWORK_RETRIES_MAX,
) -> AsyncIterator[StripeGateway]:
    """A gateway with connections of its own; use it in one event loop."""
    http = stripe.AIOHTTPClient(timeout=timeout_seconds)
    try:
        client = stripe.StripeClient(
            api_key, base_addresses={"api": api_base}, max_network_retries=network_retries_max, http_client=http
        )
        yield StripeGateway(client, webhook_secret, book)
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]  # the SDK's


def _metadata(thing: stripe.Account | stripe.Transfer | stripe.Payout) -> dict[str, str]:
    return thing.metadata.to_dict() if thing.metadata else {}  # the SDK's objects have no `get`


def _transfer_report(transfer: stripe.Transfer) -> TransferReport:
    return TransferReport(stripe_transfer=transfer.id, created_at=_time(transfer.created))


def _lower(currency: str) -> str:
    return currency.lower()  # Stripe's spelling of ISO 4217


def _time(unix_seconds: int) -> datetime:
    return datetime.fromtimestamp(unix_seconds, UTC)
