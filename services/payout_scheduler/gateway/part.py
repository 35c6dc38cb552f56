"""What the parts of the gateway have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import stripe

from libs.runtime.calls import Calls

DISCONNECTED: Final = "account_invalid"
"""Stripe's code for an account that our key has no access to, or no longer."""


class Part:
    def __init__(self, client: stripe.StripeClient, calls: Calls, book: int) -> None:
        self._v1 = client.v1
        self._calls = calls
        self._book = book


def gone(refusal: stripe.PermissionError) -> bool:
    """Whether the account is not connected to us any more. Else it may be our key that may do too little."""
    return refusal.error is not None and refusal.error.code == DISCONNECTED  # the SDK leaves its own `code` empty here


def metadata_of(thing: stripe.Account | stripe.Transfer | stripe.TransferReversal | stripe.Payout) -> dict[str, str]:
    return thing.metadata.to_dict() if thing.metadata else {}  # the SDK's objects have no `get`


def lower(currency: str) -> str:
    return currency.lower()  # Stripe's spelling of ISO 4217


def time_of(unix_seconds: int) -> datetime:
    return datetime.fromtimestamp(unix_seconds, UTC)
