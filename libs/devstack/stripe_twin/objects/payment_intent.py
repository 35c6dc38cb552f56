"""A PaymentIntent: one attempt after another to collect one amount."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from libs.devstack.stripe_twin.tables import Json, Record

PaymentIntentStatus = Literal[
    "requires_payment_method", "requires_confirmation", "requires_action", "processing", "succeeded", "canceled"
]  # fmt: skip
_DEBITS = {"usd": ("us_bank_account",), "eur": ("sepa_debit",)}


@dataclass(kw_only=True)
class PaymentIntent(Record):
    KIND: ClassVar[str] = "payment_intent"
    amount_minor: int
    currency: str
    client_secret: str
    status: PaymentIntentStatus = "requires_payment_method"
    amount_received_minor: int = 0
    transfer_group: str | None = None
    description: str | None = None
    receipt_email: str | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    payment_method: str | None = None
    latest_charge: str | None = None
    allow_redirects: str = "always"
    confirmation_method: str = "automatic"
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    last_payment_error: Json | None = None
    next_action: Json | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def render(self) -> Json:
        return {
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount_minor,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": self.amount_received_minor,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": {"allow_redirects": self.allow_redirects, "enabled": True},
            "canceled_at": self.canceled_at,
            "cancellation_reason": self.cancellation_reason,
            "capture_method": "automatic",
            "client_secret": self.client_secret,
            "confirmation_method": self.confirmation_method,
            "created": self.created,
            "currency": self.currency,
            "customer": None,
            "customer_account": None,
            "description": self.description,
            "excluded_payment_method_types": None,
            "last_payment_error": self.last_payment_error,
            "latest_charge": self.latest_charge,
            "livemode": False,
            "metadata": self.metadata,
            "next_action": self.next_action,
            "on_behalf_of": None,
            "payment_method": self.payment_method,
            "payment_method_configuration_details": None,
            "payment_method_options": {},
            "payment_method_types": ["card", *_DEBITS.get(self.currency, ())],
            "processing": None,
            "receipt_email": self.receipt_email,
            "review": None,
            "setup_future_usage": None,
            "shipping": None,
            "source": None,
            "statement_descriptor": self.statement_descriptor,
            "statement_descriptor_suffix": self.statement_descriptor_suffix,
            "status": self.status,
            "transfer_data": None,
            "transfer_group": self.transfer_group,
        }
