"""Payouts from sellers' accounts to their banks."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import stripe

from libs.runtime.outcomes import Refused
from services.payout_scheduler.domain.amounts import from_stripe, to_stripe
from services.payout_scheduler.domain.payout import Claim
from services.payout_scheduler.gateway.part import DISCONNECTED, Part, gone, lower, metadata_of, time_of
from services.payout_scheduler.handlers.bank import PayoutReport


class Payouts(Part):
    async def create_payout(self, claim: Claim) -> PayoutReport:
        ours = {"payout_id": str(claim.payout_id), "attempt": str(claim.attempt), "book": str(self._book)}
        amount = to_stripe(claim.amount_minor, claim.currency)
        async with self._calls:
            try:
                payout = await self._v1.payouts.create_async(
                    {"amount": amount, "currency": lower(claim.currency), "metadata": ours},
                    {"stripe_account": claim.account_id, "idempotency_key": f"po:{claim.payout_id}:{claim.attempt}"},
                )
            except stripe.PermissionError as refusal:
                if gone(refusal):  # and nothing began: the claimed money must not wait for this account
                    raise Refused(f"Stripe says: {refusal.user_message}", code=DISCONNECTED) from refusal
                raise
        return self._payout_report(payout)

    async def find_payout(self, claim: Claim) -> PayoutReport | None:
        async with self._calls:
            page = await self._v1.payouts.list_async({"limit": 100}, {"stripe_account": claim.account_id})
            async for payout in page.auto_paging_iter():
                report = self._payout_report(payout)
                if (report.payout_id, report.attempt) == (claim.payout_id, claim.attempt):
                    return report
        return None

    async def read_payout(self, account_id: str, stripe_payout: str) -> PayoutReport | None:
        async with self._calls:
            try:
                payout = await self._v1.payouts.retrieve_async(stripe_payout, None, {"stripe_account": account_id})
            except stripe.PermissionError as refusal:
                if gone(refusal):
                    return None
                raise
        return self._payout_report(payout)

    async def available_minor(self, account_id: str, currency: str) -> int:
        async with self._calls:
            balance = await self._v1.balance.retrieve_async(None, {"stripe_account": account_id})
        found = sum(part.amount for part in balance.available if part.currency == lower(currency))
        return from_stripe(found, currency)

    def _payout_report(self, payout: stripe.Payout) -> PayoutReport:
        metadata = metadata_of(payout)
        ours = metadata.get("book") == str(self._book) and "payout_id" in metadata
        return PayoutReport(
            stripe_payout=payout.id,
            payout_id=UUID(metadata["payout_id"]) if ours else None,
            attempt=int(metadata["attempt"]) if ours else 0,
            status=_payout_status(payout.status),
            code=payout.failure_code or payout.status,
            # In our words: the bank's may name the holder of the account, and the code says as much.
            reason=f"Stripe says: the payout is {payout.status}",
            created_at=time_of(payout.created),
        )


def _payout_status(status: str) -> Literal["pending", "paid", "failed"]:
    match status:
        case "paid":
            return "paid"
        case "failed" | "canceled":
            return "failed"
        case _:  # pending, in_transit
            return "pending"
