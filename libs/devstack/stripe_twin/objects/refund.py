"""A refund: at once, waiting for funds, on its way, or failed."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from libs.devstack.stripe_twin.tables import Json, Record


@dataclass(kw_only=True)
class Refund(Record):
    KIND: ClassVar[str] = "refund"
    amount_minor: int
    currency: str
    charge: str
    payment_intent: str | None
    payment_method: str | None
    status: Literal["pending", "succeeded", "failed"] = "pending"
    pending_reason: Literal["insufficient_funds", "processing"] | None = None
    failure_reason: str | None = None
    failure_balance_transaction: str | None = None
    reason: str | None = None
    balance_transaction: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def render(self) -> Json:
        told = {
            name: value
            for name in ("pending_reason", "failure_reason", "failure_balance_transaction")
            if (value := getattr(self, name)) is not None
        }
        return told | {
            "id": self.id,
            "object": "refund",
            "amount": self.amount_minor,
            "balance_transaction": self.balance_transaction,
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "customer": None,
            "customer_account": None,
            "destination_details": self._destination(),
            "metadata": self.metadata,
            "payment_intent": self.payment_intent,
            "payment_method": self.payment_method,
            "reason": self.reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": self.status,
            "transfer_reversal": None,
        }

    def _destination(self) -> Json:
        if self.id.startswith("pyr_"):
            kind = "eu_bank_transfer" if self.currency == "eur" else "us_bank_transfer"
            return {"type": kind, kind: {"reference": None, "reference_status": "pending"}}
        card = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
        return {"card": card, "type": "card"}
