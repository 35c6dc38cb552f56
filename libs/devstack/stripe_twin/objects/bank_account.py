"""External bank accounts, and the documented test numbers whose payouts fail (https://docs.stripe.com/connect/testing)."""

import hashlib
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from libs.devstack.stripe_twin.tables import Json, Record

FailureCode = Literal[
    "no_account", "account_closed", "insufficient_funds", "debit_not_authorized", "invalid_currency"
]  # fmt: skip
_FAILURES = {
    "no_account": "The bank account details on file are probably incorrect: no such bank account could be located.",
    "account_closed": "The bank account has been closed.",
    "insufficient_funds": "Your Stripe account has insufficient funds to cover the payout.",
    "debit_not_authorized": "Debit transactions are not approved on your bank account.",
    "invalid_currency": "The bank was unable to process this payout because of its currency.",
}
_US_ENDINGS = {
    "111111116": "no_account",
    "111111113": "account_closed",
    "222222227": "insufficient_funds",
    "333333335": "debit_not_authorized",
    "444444440": "invalid_currency",
}
_IBAN_ENDINGS = {
    "0532013001": "no_account",
    "0532013002": "account_closed",
    "0532013003": "insufficient_funds",
    "0532013004": "debit_not_authorized",
    "0532013005": "invalid_currency",
}


def payout_failure(account_number: str) -> str | None:
    """The failure code that payouts to this test number end with, or None if they arrive."""
    number = account_number.replace(" ", "")
    return _US_ENDINGS.get(number.lstrip("0")) or _IBAN_ENDINGS.get(number[-10:])


def failure_message(code: str) -> str:
    return _FAILURES[code]


@dataclass(kw_only=True)
class BankAccount(Record):
    KIND: ClassVar[str] = "bank_account"
    account: str
    number: str
    country: str
    currency: str
    routing_number: str | None = None
    holder_name: str | None = None
    holder_type: str | None = None
    default_for_currency: bool = False
    status: Literal["new", "errored"] = "new"
    deleted: bool = False
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        return not self.deleted and self.status != "errored"

    def render(self) -> Json:
        return {
            "id": self.id,
            "object": "bank_account",
            "account": self.account,
            "account_holder_name": self.holder_name,
            "account_holder_type": self.holder_type,
            "account_type": None,
            "available_payout_methods": ["standard"],
            "bank_name": "STRIPE TEST BANK",
            "country": self.country,
            "currency": self.currency,
            "default_for_currency": self.default_for_currency,
            "fingerprint": hashlib.sha256(self.number.encode()).hexdigest()[:16],
            "last4": self.number[-4:],
            "metadata": self.metadata,
            "routing_number": self.routing_number,
            "status": self.status,
        }
