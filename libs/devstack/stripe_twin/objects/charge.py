"""A charge: `ch_` by a buyer's card; `py_` by a bank debit, or what a connected account sees of a transfer."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from libs.devstack.stripe_twin.objects.instruments import Instrument, TestDebit
from libs.devstack.stripe_twin.objects.payment_method import PaymentMethod
from libs.devstack.stripe_twin.tables import Json, Record

ChargeStatus = Literal["succeeded", "pending", "failed"]


@dataclass(kw_only=True)
class Charge(Record):
    KIND: ClassVar[str] = "charge"
    amount_minor: int
    currency: str
    status: ChargeStatus
    refused: Instrument | None = None
    payment_intent: str | None = None
    payment_method: PaymentMethod | None = None
    challenged: bool = False
    disputed: bool = False
    """Whether it ever was, as at Stripe, even if the dispute was won."""
    source_transfer: str | None = None
    balance_transaction: str | None = None
    available_on: int = 0
    transfer_group: str | None = None
    description: str | None = None
    receipt_email: str | None = None
    amount_refunded_minor: int = 0
    amount_refunding_minor: int = 0
    """Asked for by refunds that wait for funds: spoken for, though not yet refunded."""
    amount_transferred_minor: int = 0
    """By transfers that name this charge as their source, less what of them was reversed."""
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def by_card(self) -> bool:
        return self.id.startswith("ch_")

    @property
    def refundable_minor(self) -> int:
        return self.amount_minor - self.amount_refunded_minor - self.amount_refunding_minor

    @property
    def transferable_minor(self) -> int:
        return self.refundable_minor - self.amount_transferred_minor

    def render(self) -> Json:
        succeeded = self.status == "succeeded"
        refused = self.refused
        return {
            "id": self.id,
            "object": "charge",
            "amount": self.amount_minor,
            "amount_captured": self.amount_minor if succeeded else 0,
            "amount_refunded": self.amount_refunded_minor,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": self.balance_transaction,
            "billing_details": self.payment_method.billing() if self.payment_method else _NO_BILLING,
            "calculated_statement_descriptor": None,
            "captured": succeeded,
            "created": self.created,
            "currency": self.currency,
            "customer": None,
            "description": self.description,
            "disputed": self.disputed,
            "failure_balance_transaction": None,
            "failure_code": refused.code if refused else None,
            "failure_message": refused.message if refused else None,
            "fraud_details": {},
            "livemode": False,
            "metadata": self.metadata,
            "on_behalf_of": None,
            "outcome": self._outcome(),
            "paid": succeeded,
            "payment_intent": self.payment_intent,
            "payment_method": self.payment_method.id if self.payment_method else None,
            "payment_method_details": self._method_details(),
            "receipt_email": self.receipt_email,
            "receipt_number": None,
            "receipt_url": None,
            "refunded": succeeded and self.amount_refunded_minor == self.amount_minor,
            "review": None,
            "shipping": None,
            "source": None,
            "source_transfer": self.source_transfer,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": self.status,
            "transfer_data": None,
            "transfer_group": self.transfer_group,
        }

    def _outcome(self) -> Json | None:
        if self.payment_method is None:
            return None
        refused = self.refused
        return {
            "advice_code": "try_again_later" if refused else None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "declined_by_network" if refused else "approved_by_network",
            "reason": (refused.decline_code or refused.code) if refused else None,
            "risk_level": "normal",
            "seller_message": "The bank returned a decline." if refused else "Payment complete.",
            "type": "issuer_declined" if refused else "authorized",
        }

    def _method_details(self) -> Json:
        if self.payment_method is None:
            return {"stripe_account": {}, "type": "stripe_account"}
        if isinstance(self.payment_method.instrument, TestDebit):
            kind = self.payment_method.type
            return {kind: self.payment_method.facts() | {"mandate": None}, "type": kind}
        card = self.payment_method.facts() | {
            "amount_authorized": None if self.refused else self.amount_minor,
            "authorization_code": None,
            "extended_authorization": {"status": "disabled"},
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": self.payment_method.instrument.brand,
            "network_token": {"used": False},
            "network_transaction_id": None,
            "overcapture": {"maximum_amount_capturable": self.amount_minor, "status": "unavailable"},
            "three_d_secure": _AUTHENTICATED if self.challenged else None,
            "transaction_link_id": None,
        }
        return {"card": card, "type": "card"}


_NO_BILLING: Json = {
    "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
    **dict.fromkeys(("email", "name", "phone", "tax_id")),
}
_AUTHENTICATED: Json = {
    "authentication_flow": "challenge",
    "electronic_commerce_indicator": "05",
    "exemption_indicator": None,
    "result": "authenticated",
    "result_reason": None,
    "transaction_id": None,
    "version": "2.2.0",
}
