"""A refund, at once or waiting for funds."""

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
    status: Literal["pending", "succeeded"] = "pending"
    reason: str | None = None
    balance_transaction: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def render(self) -> Json:
        waiting = {"pending_reason": "insufficient_funds"} if self.status == "pending" else {}
        return waiting | {
            "id": self.id,
            "object": "refund",
            "amount": self.amount_minor,
            "balance_transaction": self.balance_transaction,
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "customer": None,
            "customer_account": None,
            "destination_details": {
                "card": {
                    "reference_status": "pending",
                    "reference_type": "acquirer_reference_number",
                    "type": "refund",
                },
                "type": "card",
            },
            "metadata": self.metadata,
            "payment_intent": self.payment_intent,
            "payment_method": self.payment_method,
            "reason": self.reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": self.status,
            "transfer_reversal": None,
        }
