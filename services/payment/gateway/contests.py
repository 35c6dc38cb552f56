"""What buyers' banks contest: disputes, our answers to them, and early fraud warnings."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import stripe

from libs.runtime.calls import Calls
from services.payment.domain.report import DisputeReport, FraudReport
from services.payment.gateway.reports import dispute_report, fraud_report
from services.payment.handlers import EvidenceCall, Owner

CONTESTS: Final = frozenset(
    {
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "radar.early_fraud_warning.created",
        "radar.early_fraud_warning.updated",
    }
)
"""Their objects do not bear our names; their payment intents do."""
_NUMBER: Final = "evidence"  # in the dispute's metadata: which evidence of ours it has


class Contests:
    """The part of `Processor` that is about them."""

    def __init__(self, client: stripe.StripeClient, calls: Calls, book: int) -> None:
        self._v1 = client.v1
        self._calls = calls
        self._book = book

    async def read_dispute(self, dispute_id: str) -> tuple[DisputeReport, Owner | None]:
        async with self._calls:
            dispute = await self._v1.disputes.retrieve_async(dispute_id, {"expand": ["payment_intent"]})
        return dispute_report(dispute), self._owner(dispute.payment_intent)

    async def read_fraud_warning(self, warning_id: str) -> tuple[FraudReport, Owner | None]:
        async with self._calls:
            warning = await self._v1.radar.early_fraud_warnings.retrieve_async(
                warning_id, {"expand": ["payment_intent"]}
            )
        return fraud_report(warning), self._owner(getattr(warning, "payment_intent", None))

    async def send_evidence(self, call: EvidenceCall) -> int:
        evidence: Any = dict(call.texts)  # its keys are those of the SDK's TypedDict, which mypy cannot see
        async with self._calls:
            dispute = await self._v1.disputes.update_async(
                call.dispute_id,
                {"evidence": evidence, "submit": call.submit, "metadata": {_NUMBER: str(call.number)}},
                {"idempotency_key": f"dp:{call.dispute_id}:{call.version}"},
            )
        return dispute.evidence_details.submission_count

    async def find_evidence(self, call: EvidenceCall) -> int | None:
        async with self._calls:
            dispute = await self._v1.disputes.retrieve_async(call.dispute_id)
        here = getattr(dispute.metadata, _NUMBER, None) == str(call.number)
        return dispute.evidence_details.submission_count if here else None

    async def accept_dispute(self, dispute_id: str, version: int) -> DisputeReport:
        async with self._calls:
            dispute = await self._v1.disputes.close_async(
                dispute_id, None, {"idempotency_key": f"dp:{dispute_id}:{version}"}
            )
        return dispute_report(dispute)

    def _owner(self, intent: str | stripe.PaymentIntent | None) -> Owner | None:
        names = intent.metadata if isinstance(intent, stripe.PaymentIntent) else None
        payment_id = getattr(names, "payment_id", None)
        if payment_id is None or getattr(names, "book", None) != str(self._book):
            return None
        return Owner(payment_id=UUID(payment_id), correlation_id=getattr(names, "correlation_id", None))
