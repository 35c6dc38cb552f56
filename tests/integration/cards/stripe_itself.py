"""Buyers at Stripe itself, or at whatever speaks its API: they pay through it, and are heard of through its events."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

import stripe

from libs.devstack.stripe_twin.server import Twin
from tests.integration.cards.market import Market, open_market_at

STRIPE: Final = "https://api.stripe.com"


@dataclass(frozen=True)
class StripeItself:
    """What of a twin's hands anybody has who holds an account's key."""

    client: stripe.StripeClient

    async def confirm(self, intent_id: str, payment_method: str) -> None:
        """The buyer tries to pay; whether the card was declined stands in the intent."""
        with contextlib.suppress(stripe.CardError):
            await self.client.v1.payment_intents.confirm_async(
                intent_id, {"payment_method": payment_method, "return_url": "https://example.com/paid"}
            )

    async def money(self, order_id: str) -> dict[str, int]:
        """As `looks.at_stripe`, for what has no sellers' accounts: by Stripe's lists instead of a twin's tables."""
        money: Counter[str] = Counter()
        charges = await self.client.v1.charges.list_async({"transfer_group": order_id, "limit": 100})
        for charge in charges.data:
            money["captured"] += charge.amount if charge.status == "succeeded" else 0
            refunds = await self.client.v1.refunds.list_async({"charge": charge.id, "limit": 100})
            for refund in refunds.data:
                money["refunded" if refund.status == "succeeded" else "refund pending"] += refund.amount
        return {name: amount for name, amount in money.items() if amount}


@asynccontextmanager
async def open_market_at_stripe(
    database_url: str, api_key: str, api_base: str = STRIPE
) -> AsyncIterator[tuple[Market, StripeItself]]:
    """A market that hears of its payments by `sweep-events` alone: no webhook finds its way to a test."""
    http: Any = stripe.AIOHTTPClient()
    try:
        buyers = StripeItself(stripe.StripeClient(api_key, base_addresses={"api": api_base}, http_client=http))
        hands = cast("Twin", buyers)
        async with open_market_at(database_url, hands, api_base=api_base, api_key=api_key) as market:
            yield market, buyers
    finally:
        await http.close_async()
