"""Which amounts Stripe charges, and how it writes them (https://docs.stripe.com/currencies). Ours are ISO 4217's.

The two differ where a currency lost its decimals: Stripe goes on writing two of them, which must be zero. Of the
currencies that we know (`libs.ledger.money`) that is UGX, where ISO 4217 has none; of ISK it would be the same. HUF and
TWD have two decimals in a charge and none in a payout, which is the payout scheduler's concern.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from libs.ledger.money import CURRENCIES, format_minor

Refusal = tuple[str, str]

_TWO_DECIMALS_OF_NOTHING: Final = frozenset({"ISK", "UGX"})

CHARGE_LEAST: Final[Mapping[str, int]] = {
    "AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1_500, "DKK": 250, "EUR": 50, "GBP": 30,
    "HKD": 400, "HUF": 17_500, "ILS": 50, "INR": 50, "JPY": 50, "KRW": 50, "MXN": 1_000, "MYR": 200, "NOK": 300,
    "NZD": 50, "PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "THB": 1_000, "USD": 50, "ZAR": 50,
}  # fmt: skip
"""The smallest charge where Stripe publishes one, as Stripe writes it (minimum-and-maximum-charge-amounts, same page).

It counts in the currency into which the account settles, so after conversion Stripe may refuse more than we do.
"""

CHARGE_DIGITS_MAX: Final = 8
CHARGE_DIGITS_MAX_OF: Final[Mapping[str, int]] = {"INR": 9, "COP": 10, "IDR": 12}
"""Cards take twelve digits, but an intent offers whatever method the account has enabled, and others take fewer."""


def to_stripe(amount_minor: int, currency: str) -> int:
    """An amount of ours as Stripe writes it."""
    return amount_minor * 100 if _pads(currency) else amount_minor


def from_stripe(amount: int, currency: str) -> int:
    """An amount of Stripe's in our minor units; what Stripe pads is rounded down, since no fraction can be charged."""
    return amount // 100 if _pads(currency) else amount


def refusal(amount_minor: int, currency: str) -> Refusal | None:
    """Why Stripe would not charge this, as a code and in words, or None."""
    amount, least = to_stripe(amount_minor, currency), CHARGE_LEAST.get(currency, 1)
    digits = CHARGE_DIGITS_MAX_OF.get(currency, CHARGE_DIGITS_MAX)
    if amount < least:
        return "amount_below_charge_minimum", f"Stripe charges {_shown(least, currency)} at least; order more at once."
    if amount >= 10**digits:
        most = _shown(10**digits - 1, currency)
        return "amount_above_charge_maximum", f"Stripe charges {most} at most; split the order."
    if CURRENCIES[currency].exponent == 3 and amount % 10:  # noqa: PLR2004 - decimals
        return "amount_not_chargeable", f"Cards take two decimals of {currency}: the last of its three must be 0."
    return None


def _pads(currency: str) -> bool:
    return currency in _TWO_DECIMALS_OF_NOTHING


def _shown(amount: int, currency: str) -> str:
    return f"{format_minor(from_stripe(amount, currency), currency)} {currency}"
