"""A payment method: a card, or a bank account to be debited."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from libs.devstack.stripe_twin.objects.instruments import TestCard, TestDebit
from libs.devstack.stripe_twin.tables import Json, Record


@dataclass(kw_only=True)
class PaymentMethod(Record):
    KIND: ClassVar[str] = "payment_method"
    instrument: TestCard | TestDebit
    exp_month: int = 0
    exp_year: int = 0
    billing_details: Json = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return "card" if isinstance(self.instrument, TestCard) else self.instrument.type

    def facts(self) -> Json:
        """What a payment method and a charge's payment_method_details have in common."""
        if isinstance(self.instrument, TestDebit):
            return self.instrument.facts()
        return {
            "brand": self.instrument.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "exp_month": self.exp_month,
            "exp_year": self.exp_year,
            "fingerprint": self.instrument.fingerprint,
            "funding": "credit",
            "last4": self.instrument.last4,
            "wallet": None,
            "regulated_status": "unregulated",
        }

    def billing(self) -> Json:
        empty: dict[str, Any] = dict.fromkeys(("email", "name", "phone", "tax_id"))
        address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
        given = dict(self.billing_details)
        return {**empty, **given, "address": {**address, **(given.get("address") or {})}}

    def render(self) -> Json:
        return {
            "id": self.id,
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": self.billing(),
            self.type: self.facts() | self._own_facts(),
            "created": self.created,
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": self.metadata,
            "type": self.type,
        }

    def _own_facts(self) -> Json:
        """What only the payment method itself tells."""
        if isinstance(self.instrument, TestCard):
            brand = self.instrument.brand
            return {
                "display_brand": brand,
                "generated_from": None,
                "networks": {"available": [brand], "preferred": None},
                "three_d_secure_usage": {"supported": True},
            }
        if self.instrument.type == "sepa_debit":
            return {"generated_from": {"charge": None, "setup_attempt": None}}
        return {
            "financial_connections_account": None,
            "networks": {"preferred": "ach", "supported": ["ach"]},
            "status_details": None,
        }
