"""Transfers to sellers' accounts, and back."""

from __future__ import annotations

import stripe

from services.payout_scheduler.domain.amounts import from_stripe, to_stripe
from services.payout_scheduler.gateway.part import Part, lower, metadata_of, time_of
from services.payout_scheduler.handlers.bank import ReversalCall, ReversalReport, TransferCall, TransferReport


class Transfers(Part):
    async def create_transfer(self, call: TransferCall) -> TransferReport:
        release = call.release
        async with self._calls:
            transfer = await self._v1.transfers.create_async(
                {
                    "amount": to_stripe(release.amount_minor, release.currency),
                    "currency": lower(release.currency),
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
            # To whichever account: the seller may have another by now.
            page = await self._v1.transfers.list_async({"transfer_group": release.order_id, "limit": 100})
            async for transfer in page.auto_paging_iter():
                if metadata_of(transfer).get("transfer_id") == str(release.transfer_id):
                    return _transfer_report(transfer)
        return None

    async def create_reversal(self, call: ReversalCall) -> ReversalReport:
        clawback, part = call.clawback, call.call
        async with self._calls:
            reversal = await self._v1.transfers.reversals.create_async(
                part.stripe_transfer,
                {
                    "amount": to_stripe(part.amount_minor, clawback.currency),
                    "metadata": {
                        "clawback_id": str(clawback.clawback_id),
                        "number": str(part.number),
                        "book": str(self._book),
                    },
                },
                {"idempotency_key": call.key},
            )
        return _reversal_report(reversal)

    async def find_reversal(self, call: ReversalCall) -> ReversalReport | None:
        wanted = {"clawback_id": str(call.clawback.clawback_id), "number": str(call.call.number)}
        async with self._calls:
            page = await self._v1.transfers.reversals.list_async(call.call.stripe_transfer, {"limit": 100})
            async for reversal in page.auto_paging_iter():
                if wanted.items() <= metadata_of(reversal).items():
                    return _reversal_report(reversal)
        return None


def _transfer_report(transfer: stripe.Transfer) -> TransferReport:
    return TransferReport(
        stripe_transfer=transfer.id,
        amount_minor=from_stripe(transfer.amount, transfer.currency.upper()),
        created_at=time_of(transfer.created),
    )


def _reversal_report(reversal: stripe.TransferReversal) -> ReversalReport:
    return ReversalReport(stripe_reversal=reversal.id, created_at=time_of(reversal.created))
