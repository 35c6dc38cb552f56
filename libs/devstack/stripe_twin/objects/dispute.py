"""A dispute: a buyer's bank asks about a payment (an inquiry), or takes it back (a chargeback)."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from libs.devstack.stripe_twin.objects.balance_transaction import BalanceTransaction
from libs.devstack.stripe_twin.tables import Json, Record

DisputeStatus = Literal[
    "warning_needs_response", "warning_under_review", "warning_closed",
    "needs_response", "under_review", "won", "lost",
]  # fmt: skip
EVIDENCE_TEXTS = (
    "access_activity_log", "billing_address", "cancellation_policy_disclosure", "cancellation_rebuttal",
    "customer_email_address", "customer_name", "customer_purchase_ip", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "refund_policy_disclosure", "refund_refusal_explanation",
    "service_date", "shipping_address", "shipping_carrier", "shipping_date", "shipping_tracking_number",
    "uncategorized_text",
)  # fmt: skip
_EVIDENCE_FILES = (
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation",
    "receipt", "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
)  # fmt: skip
_NETWORK_CODES = {
    "credit_not_processed": "13.7",
    "duplicate": "12.6",
    "fraudulent": "10.4",
    "product_not_received": "13.1",
    "product_unacceptable": "13.3",
    "subscription_canceled": "13.2",
}


@dataclass(kw_only=True)
class Dispute(Record):
    KIND: ClassVar[str] = "dispute"
    amount_minor: int
    currency: str
    charge: str
    payment_intent: str | None
    reason: str
    status: DisputeStatus
    brand: str | None
    """The card's; None for a bank debit."""
    due_by: int | None
    past_due: bool = False
    evidence: dict[str, str] = field(default_factory=dict)
    submissions: int = 0
    lines: list[BalanceTransaction] = field(default_factory=list)
    """What was withdrawn, and what came back."""
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def is_inquiry(self) -> bool:
        return self.status.startswith("warning_")

    @property
    def is_open(self) -> bool:
        return self.status not in ("won", "lost", "warning_closed")

    @property
    def awaits_answer(self) -> bool:
        return self.status in ("needs_response", "warning_needs_response")

    @property
    def holds_money(self) -> bool:
        """The bank has the payment: it cannot be refunded besides."""
        return self.status in ("needs_response", "under_review", "lost")

    def render(self) -> Json:
        return {
            "id": self.id,
            "object": "dispute",
            "amount": self.amount_minor,
            "balance_transactions": [line.render() for line in self.lines],
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "enhanced_eligibility_types": [],
            "evidence": dict.fromkeys((*EVIDENCE_TEXTS, *_EVIDENCE_FILES)) | {"enhanced_evidence": {}} | self.evidence,
            "evidence_details": {
                "due_by": self.due_by,
                "enhanced_eligibility": {},
                "has_evidence": bool(self.evidence),
                "past_due": self.past_due,
                "submission_count": self.submissions,
                "submission_method": "manual" if self.submissions else "not_submitted",
            },
            "is_charge_refundable": not self.holds_money,
            "livemode": False,
            "metadata": self.metadata,
            "payment_intent": self.payment_intent,
            "payment_method_details": self._method_details(),
            "reason": self.reason,
            "status": self.status,
        }

    def _method_details(self) -> Json | None:
        if self.brand is None:
            return None
        card = {
            "brand": self.brand,
            "case_type": "inquiry" if self.is_inquiry else "chargeback",
            "network": self.brand,
            "network_reason_code": "10" if self.is_inquiry else _NETWORK_CODES.get(self.reason),
        }
        return {"card": card, "type": "card"}
