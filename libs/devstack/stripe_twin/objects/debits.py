"""Stripe's documented test bank accounts of buyers.

https://docs.stripe.com/payments/ach-direct-debit/accept-a-payment and .../sepa-debit/accept-a-payment, "Test".
"""

from libs.devstack.stripe_twin.objects.instruments import TestDebit

_CLOSED = "The customer's bank account has been closed."
_NO_ACCOUNT = "The customer's bank account could not be located."
_NO_FUNDS = "The customer's account has insufficient funds to cover this payment."
_UNAUTHORIZED = "The customer has notified their bank that this payment was unauthorized."
_CURRENCY = "The bank was unable to process this payment because of its currency."
_DECLINED = "The payment was declined by the customer's bank."

_US = {
    "success": TestDebit("000123456789"),
    "accountClosed": TestDebit("000111111113", "account_closed", message=_CLOSED),
    "noAccount": TestDebit("000111111116", "no_account", message=_NO_ACCOUNT),
    "insufficientFunds": TestDebit("000222222227", "insufficient_funds", message=_NO_FUNDS),
    "debitNotAuthorized": TestDebit("000333333335", "debit_not_authorized", message=_UNAUTHORIZED),
    "invalidCurrency": TestDebit("000444444440", "invalid_currency", message=_CURRENCY),
    "dispute": TestDebit("000555555559", contested="debit_not_authorized"),
    "processing": TestDebit("000000000009", stuck=True),
}
_SEPA = {
    "success": TestDebit("DE89370400440532013000", type="sepa_debit"),
    "failed": TestDebit("DE62370400440532013001", "bank_account_declined", message=_DECLINED, type="sepa_debit"),
    "disputed": TestDebit("DE35370400440532013002", contested="debit_not_authorized", type="sepa_debit"),
    "insufficientFunds": TestDebit(
        "DE65370400440002222227", "insufficient_funds", message=_NO_FUNDS, type="sepa_debit"
    ),
}

TEST_DEBITS = {debit.number: debit for debit in (*_US.values(), *_SEPA.values())}
DEBIT_TOKENS = {f"pm_usBankAccount_{name}": debit for name, debit in _US.items()} | {
    f"pm_{name}_de": debit for name, debit in _SEPA.items()
}
"""Stripe's ready-made test payment methods, by their whole ids."""
