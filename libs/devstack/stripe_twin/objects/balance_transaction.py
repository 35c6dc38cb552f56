"""A line of an account's balance: what changed it, and when the change becomes available."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from libs.devstack.stripe_twin.tables import Json, Record

TransactionType = Literal[
    "charge", "payment", "refund", "payment_refund", "transfer", "transfer_refund",
    "refund_failure", "adjustment", "payout", "payout_failure", "payout_cancel",
]  # fmt: skip
_REPORTING = {
    "adjustment": "dispute",
    "payment": "charge",
    "payment_refund": "refund",
    "transfer_refund": "transfer_reversal",
    "payout_failure": "payout_reversal",
    "payout_cancel": "payout_reversal",
}
"""Where the reporting category is another word (https://docs.stripe.com/reports/reporting-categories)."""


@dataclass(kw_only=True)
class BalanceTransaction(Record):
    KIND: ClassVar[str] = "balance_transaction"
    type: TransactionType
    amount_minor: int
    fee_minor: int
    currency: str
    source: str
    available_on: int
    available: bool
    description: str | None = None

    @property
    def net_minor(self) -> int:
        return self.amount_minor - self.fee_minor

    def render(self) -> Json:
        fee = {
            "amount": self.fee_minor,
            "application": None,
            "currency": self.currency,
            "description": "Dispute fee" if self.type == "adjustment" else "Stripe processing fees",
            "type": "stripe_fee",
        }
        return {
            "id": self.id,
            "object": "balance_transaction",
            "amount": self.amount_minor,
            "available_on": self.available_on,
            "balance_type": "payments",
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "exchange_rate": None,
            "fee": self.fee_minor,
            "fee_details": [fee] if self.fee_minor else [],
            "net": self.net_minor,
            "reporting_category": self._category(),
            "source": self.source,
            "status": "available" if self.available else "pending",
            "type": self.type,
        }

    def _category(self) -> str:
        if self.type == "adjustment" and self.amount_minor > 0:
            return "dispute_reversal"
        return _REPORTING.get(self.type, self.type)
