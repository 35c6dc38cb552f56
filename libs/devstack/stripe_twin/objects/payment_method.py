"""Cards, and what each of Stripe's documented test numbers does (https://docs.stripe.com/testing)."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, ClassVar

from libs.devstack.stripe_twin.tables import Json, Record


@dataclass(frozen=True, slots=True)
class TestCard:
    """A test number: who refuses it and why, or what else it brings about."""

    number: str
    brand: str = "visa"
    code: str | None = None
    decline_code: str | None = None
    message: str = ""
    challenge: bool = False
    """The issuer asks for 3-D Secure."""
    instant: bool = False
    """The funds skip the pending balance."""


def _declined(number: str, decline_code: str, message: str = "Your card was declined.") -> TestCard:
    return TestCard(number, code="card_declined", decline_code=decline_code, message=message)


_INSUFFICIENT = "Your card has insufficient funds."
TEST_CARDS = {
    card.number: card
    for card in (
        TestCard("4242424242424242"),
        TestCard("4000056655665556"),
        TestCard("5555555555554444", brand="mastercard"),
        TestCard("378282246310005", brand="amex"),
        TestCard("4000000000000077", instant=True),
        TestCard("4000002500003155", challenge=True),
        TestCard("4000002760003184", challenge=True),
        TestCard("4000000000003220", challenge=True),
        _declined("4000000000000002", "generic_decline"),
        _declined("4000000000009995", "insufficient_funds", _INSUFFICIENT),
        _declined("4000000000009987", "lost_card"),
        _declined("4000000000009979", "stolen_card"),
        TestCard("4000000000000069", code="expired_card", message="Your card has expired."),
        TestCard("4000000000000127", code="incorrect_cvc", message="Your card's security code is incorrect."),
        TestCard(
            "4000000000000119",
            code="processing_error",
            message="An error occurred while processing your card. Try again in a little bit.",
        ),
    )
}

TOKENS = {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "amex": "378282246310005",
    "bypassPending": "4000000000000077",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequired": "4000002760003184",
    "threeDSecure2Required": "4000000000003220",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclined": "4000000000000002",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedLostCard": "4000000000009987",
    "visa_chargeDeclinedLostCard": "4000000000009987",
    "chargeDeclinedStolenCard": "4000000000009979",
    "visa_chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
}
"""What follows `pm_card_` in Stripe's ready-made test payment methods."""


@dataclass(kw_only=True)
class PaymentMethod(Record):
    KIND: ClassVar[str] = "payment_method"
    card: TestCard
    exp_month: int
    exp_year: int
    billing_details: Json = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """The same for every use of the same number, as at Stripe."""
        return hashlib.sha256(self.card.number.encode()).hexdigest()[:16]

    def card_facts(self) -> Json:
        """What a payment method and a charge's payment_method_details have in common."""
        return {
            "brand": self.card.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "exp_month": self.exp_month,
            "exp_year": self.exp_year,
            "fingerprint": self.fingerprint,
            "funding": "credit",
            "last4": self.card.number[-4:],
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
            "card": {
                **self.card_facts(),
                "display_brand": self.card.brand,
                "generated_from": None,
                "networks": {"available": [self.card.brand], "preferred": None},
                "three_d_secure_usage": {"supported": True},
            },
            "created": self.created,
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": self.metadata,
            "type": "card",
        }
