"""Transfers to connected accounts and their reversals."""

from dataclasses import dataclass, field
from typing import ClassVar

from libs.devstack.stripe_twin.tables import Json, Record


@dataclass(kw_only=True)
class Reversal(Record):
    KIND: ClassVar[str] = "transfer_reversal"
    transfer: str
    amount_minor: int
    currency: str
    balance_transaction: str
    destination_payment_refund: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def render(self) -> Json:
        return {
            "id": self.id,
            "object": "transfer_reversal",
            "amount": self.amount_minor,
            "balance_transaction": self.balance_transaction,
            "created": self.created,
            "currency": self.currency,
            "destination_payment_refund": self.destination_payment_refund,
            "metadata": self.metadata,
            "source_refund": None,
            "transfer": self.transfer,
        }


@dataclass(kw_only=True)
class Transfer(Record):
    KIND: ClassVar[str] = "transfer"
    amount_minor: int
    currency: str
    destination: str
    destination_payment: str
    available_on: int
    source_transaction: str | None = None
    transfer_group: str | None = None
    description: str | None = None
    balance_transaction: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    reversals: list[Reversal] = field(default_factory=list)

    @property
    def amount_reversed_minor(self) -> int:
        return sum(reversal.amount_minor for reversal in self.reversals)

    @property
    def reversible_minor(self) -> int:
        return self.amount_minor - self.amount_reversed_minor

    def render(self) -> Json:
        newest = self.reversals[:-11:-1]
        return {
            "id": self.id,
            "object": "transfer",
            "amount": self.amount_minor,
            "amount_reversed": self.amount_reversed_minor,
            "balance_transaction": self.balance_transaction,
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "destination": self.destination,
            "destination_payment": self.destination_payment,
            "livemode": False,
            "metadata": self.metadata,
            "reversals": {
                "object": "list",
                "data": [reversal.render() for reversal in newest],
                "has_more": len(self.reversals) > len(newest),
                "url": f"/v1/transfers/{self.id}/reversals",
            },
            "reversed": self.reversible_minor == 0,
            "source_transaction": self.source_transaction,
            "source_type": "card",
            "transfer_group": self.transfer_group,
        }
