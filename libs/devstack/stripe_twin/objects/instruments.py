"""What buyers pay with: test cards and test bank accounts, each with what comes of paying by it."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from libs.devstack.stripe_twin.tables import Json

RefundCourse = Literal["succeeds", "pending", "fails"]
"""`pending`: succeeds later. `fails`: succeeds, and the bank sends it back later."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """A test number: who refuses it and why, or what else it brings about."""

    number: str
    code: str | None = None
    decline_code: str | None = None
    message: str = ""
    contested: str | None = None
    """The reason of the dispute that follows the payment."""
    refunds: RefundCourse = "succeeds"

    @property
    def fingerprint(self) -> str:
        """The same for every use of the same number, as at Stripe."""
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]

    @property
    def last4(self) -> str:
        return self.number[-4:]


@dataclass(frozen=True, slots=True)
class TestCard(Instrument):
    brand: str = "visa"
    challenge: bool = False
    """The issuer asks for 3-D Secure."""
    instant: bool = False
    """The funds skip the pending balance."""
    inquiry: bool = False
    """Its dispute begins as an inquiry."""
    warned: bool = False
    """The issuer reports suspected fraud after the payment."""


@dataclass(frozen=True, slots=True)
class TestDebit(Instrument):
    """A bank account to be debited, which takes days. `code` is how it fails, and `stuck` never ends."""

    type: Literal["us_bank_account", "sepa_debit"] = "us_bank_account"
    stuck: bool = False
    refunds: RefundCourse = "pending"

    @property
    def currency(self) -> str:
        return "usd" if self.type == "us_bank_account" else "eur"

    def facts(self) -> Json:
        """What a payment method and a charge's payment_method_details have in common."""
        same: Json = {"fingerprint": self.fingerprint, "last4": self.last4}
        if self.type == "sepa_debit":
            return same | {"bank_code": self.number[4:12], "branch_code": "", "country": self.number[:2]}
        return same | {
            "account_holder_type": "individual",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
            "routing_number": "110000000",
        }
