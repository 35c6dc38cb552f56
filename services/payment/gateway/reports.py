"""What Stripe's objects say, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal

import stripe
from stripe.radar import EarlyFraudWarning

from services.payment.domain.amounts import from_stripe
from services.payment.domain.report import Capture, DisputeReport, FraudReport, IntentReport, RefundReport, Trial

IntentStatus = Literal["waiting", "requires_action", "processing", "succeeded", "canceled"]
INTENT_STATUS: Final[Mapping[str, IntentStatus]] = {
    "requires_payment_method": "waiting",
    "requires_confirmation": "waiting",
    "requires_action": "requires_action",
    "requires_capture": "processing",  # of an intent that somebody changed by hand: we capture at once
    "processing": "processing",
    "succeeded": "succeeded",
    "canceled": "canceled",
}
REFUND_STATUS: Final[Mapping[str, Literal["pending", "succeeded", "failed"]]] = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}
DisputeStatus = Literal["inquiry", "withdrawn", "open", "won", "lost"]
_DISPUTE_STATUS: Final[Mapping[str, tuple[DisputeStatus, bool]]] = {
    "warning_needs_response": ("inquiry", False),
    "warning_under_review": ("inquiry", True),
    "warning_closed": ("withdrawn", True),
    "needs_response": ("open", False),
    "under_review": ("open", True),
    "appeal_needs_response": ("open", False),
    "appeal_under_review": ("open", True),
    "prevented": ("lost", True),  # by refunding the buyer, unless no money shows it
    "won": ("won", True),
    "lost": ("lost", True),
}


def intent_report(intent: stripe.PaymentIntent) -> IntentReport:
    return IntentReport(
        intent_id=intent.id,
        created_at=time_of(intent.created),
        status=INTENT_STATUS[intent.status],
        captured=_capture(intent),
        declined=_trial(intent),
        canceled_at=time_of(intent.canceled_at) if intent.canceled_at else None,
        abandoned=intent.cancellation_reason == "abandoned",
    )


def _capture(intent: stripe.PaymentIntent) -> Capture | None:
    if intent.status != "succeeded":
        return None
    charge = intent.latest_charge
    if not isinstance(charge, stripe.Charge):
        raise TypeError(f"{intent.id} was read without its charge, which is what transfers refer to")
    # A bank that takes days makes the charge at once and moves the money in the end.
    moved = charge.balance_transaction
    at = moved.created if isinstance(moved, stripe.BalanceTransaction) else charge.created
    amount_minor = from_stripe(intent.amount_received, intent.currency.upper())
    return Capture(charge=charge.id, amount_minor=amount_minor, at=time_of(at))


def _trial(intent: stripe.PaymentIntent) -> Trial | None:
    """The last failed try. A failed authentication makes no charge, and is told by its payment method instead."""
    error, charge = intent.last_payment_error, intent.latest_charge
    if error is None:
        return None
    decline_code, method = getattr(error, "decline_code", None), getattr(error, "payment_method", None)
    code = error.code if decline_code in {None, "generic_decline"} else decline_code
    trial_id = getattr(error, "charge", None) or (method.id if method else intent.id)
    made_at = time_of(charge.created) if isinstance(charge, stripe.Charge) and charge.id == trial_id else None
    return Trial(id=trial_id, code=code or "declined", at=made_at)


def refund_report(refund: stripe.Refund) -> RefundReport:
    return RefundReport(
        processor_id=refund.id,
        created_at=time_of(refund.created),
        status=REFUND_STATUS[refund.status or "pending"],
        code=getattr(refund, "failure_reason", None),
    )


def lower(currency: str) -> str:
    return currency.lower()  # Stripe's spelling of ISO 4217


def time_of(unix_seconds: int) -> datetime:
    return datetime.fromtimestamp(unix_seconds, UTC)


def dispute_report(dispute: stripe.Dispute) -> DisputeReport:
    """Raises `ValueError` for a balance in another currency: what the ledger holds in this one did not change so."""
    lines = sorted(dispute.balance_transactions, key=lambda line: line.created)
    if other := {line.currency for line in lines} - {dispute.currency}:
        raise ValueError(f"{dispute.id} is in {dispute.currency}, its balance transactions in {', '.join(other)}")
    status, under_review = _DISPUTE_STATUS[dispute.status]
    due_by = dispute.evidence_details.due_by
    currency = dispute.currency.upper()
    amounts = [from_stripe(line.amount, currency) for line in lines]
    fees = [from_stripe(line.fee, currency) for line in lines]
    return DisputeReport(
        dispute_id=dispute.id,
        status=status,
        under_review=under_review,
        currency=currency,
        amount_minor=from_stripe(dispute.amount, currency),
        reason=dispute.reason,
        respond_by=time_of(due_by) if due_by else None,  # 0 where the bank takes no answer
        opened_at=time_of(dispute.created),
        withdrawn_at=time_of(lines[0].created) if lines else None,
        withdrawn_minor=-sum(min(amount, 0) for amount in amounts),
        reinstated_minor=sum(max(amount, 0) for amount in amounts),
        fee_minor=sum(max(fee, 0) for fee in fees),
        fee_returned_minor=-sum(min(fee, 0) for fee in fees),
    )


def fraud_report(warning: EarlyFraudWarning) -> FraudReport:
    return FraudReport(warning_id=warning.id, created_at=time_of(warning.created), code=warning.fraud_type)
