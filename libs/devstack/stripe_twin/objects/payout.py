"""A payout to a bank account."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from libs.devstack.stripe_twin.objects.bank_account import failure_message
from libs.devstack.stripe_twin.tables import Json, Record

PayoutStatus = Literal["pending", "in_transit", "paid", "failed", "canceled"]


@dataclass(kw_only=True)
class Payout(Record):
    KIND: ClassVar[str] = "payout"
    amount_minor: int
    currency: str
    destination: str
    arrival_date: int
    status: PayoutStatus = "pending"
    description: str | None = None
    statement_descriptor: str | None = None
    balance_transaction: str | None = None
    failure_code: str | None = None
    failure_balance_transaction: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def render(self) -> Json:
        under_way = self.status in ("pending", "in_transit")
        return {
            "id": self.id,
            "object": "payout",
            "amount": self.amount_minor,
            "application_fee": None,
            "application_fee_amount": None,
            "arrival_date": self.arrival_date,
            "automatic": False,
            "balance_transaction": self.balance_transaction,
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "destination": self.destination,
            "failure_balance_transaction": self.failure_balance_transaction,
            "failure_code": self.failure_code,
            "failure_message": failure_message(self.failure_code) if self.failure_code else None,
            "livemode": False,
            "metadata": self.metadata,
            "method": "standard",
            "original_payout": None,
            "payout_method": None,
            "reconciliation_status": "not_applicable",
            "reversed_by": None,
            "source_type": "card",
            "statement_descriptor": self.statement_descriptor,
            "status": self.status,
            "trace_id": {"status": "pending" if under_way else "unsupported", "value": None},
            "type": "bank_account",
        }
