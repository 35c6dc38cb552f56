"""How Stripe writes amounts, and which of them it pays out (https://docs.stripe.com/currencies#special-cases)."""

from __future__ import annotations

from typing import Final

_TWO_DECIMALS_OF_NOTHING: Final = frozenset({"ISK", "UGX"})
"""They lost their decimals, and Stripe goes on writing two."""
_PAID_OUT_WHOLE: Final = {"HUF": 100, "TWD": 100}
"""Two decimals in charges and transfers, none in payouts."""


def to_stripe(amount_minor: int, currency: str) -> int:
    """An amount of ours as Stripe writes it."""
    return amount_minor * 100 if currency in _TWO_DECIMALS_OF_NOTHING else amount_minor


def from_stripe(amount: int, currency: str) -> int:
    """An amount of Stripe's in our minor units."""
    return amount // 100 if currency in _TWO_DECIMALS_OF_NOTHING else amount


def payable_step_minor(currency: str) -> int:
    """A payout is a multiple of this; what is over stays in the balance. Transfers may be any amount."""
    return _PAID_OUT_WHOLE.get(currency, 1)
