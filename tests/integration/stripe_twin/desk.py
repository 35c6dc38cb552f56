"""What tests of the twin do again and again, by the real SDK."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import stripe

from libs.devstack.stripe_twin import Twin

DAY_SECONDS = 86_400
SETTLED_SECONDS = 2 * DAY_SECONDS


class Desk:
    """A platform's day-to-day business."""

    def __init__(self, twin: Twin, api: stripe.StripeClient) -> None:
        self.twin = twin
        self.api = api

    @staticmethod
    @asynccontextmanager
    async def sdk(url: str, key: str = "sk_test_twin", **options: Any) -> AsyncIterator[stripe.StripeClient]:
        http = stripe.HTTPXClient()
        try:
            yield stripe.StripeClient(key, base_addresses={"api": url}, http_client=http, **options)
        finally:
            await http.close_async()  # type: ignore[no-untyped-call]  # the SDK left it without annotations

    async def intent(self, amount_minor: int = 10_000, currency: str = "usd", **more: Any) -> stripe.PaymentIntent:
        params: Any = {"amount": amount_minor, "currency": currency, **more}
        return await self.api.v1.payment_intents.create_async(params)

    async def paid(self, amount_minor: int = 10_000, *, card: str = "pm_card_visa", **more: Any) -> stripe.Charge:
        """A charge that succeeded, or, by a bank debit, will or will not."""
        intent = await self.intent(amount_minor, **more)
        await self.twin.confirm(intent.id, card)
        found = await self.api.v1.payment_intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})
        assert isinstance(found.latest_charge, stripe.Charge)
        return found.latest_charge

    async def seller(self, account_number: str | None = None, country: str = "US") -> stripe.Account:
        """An express account that finished onboarding."""
        account = await self.api.v1.accounts.create_async(
            {"type": "express", "country": country, "capabilities": {"transfers": {"requested": True}}}
        )
        await self.twin.complete_account(account.id, account_number)
        return await self.api.v1.accounts.retrieve_async(account.id)

    async def transfer(
        self, seller: stripe.Account, amount_minor: int, source: stripe.Charge | None = None, **more: Any
    ) -> stripe.Transfer:
        bound = {"source_transaction": source.id} if source else {}
        params: Any = {"amount": amount_minor, "currency": "usd", "destination": seller.id, **bound, **more}
        return await self.api.v1.transfers.create_async(params)

    async def funded_seller(self, amount_minor: int = 9_000, account_number: str | None = None) -> stripe.Account:
        """A seller with that much available."""
        seller = await self.seller(account_number)
        await self.transfer(seller, amount_minor, await self.paid(amount_minor + 1_000))
        await self.twin.advance(SETTLED_SECONDS)
        return seller

    async def payout(self, seller: stripe.Account, amount_minor: int, **more: Any) -> stripe.Payout:
        params: Any = {"amount": amount_minor, "currency": "usd", **more}
        return await self.api.v1.payouts.create_async(params, {"stripe_account": seller.id})

    async def balance(self, seller: stripe.Account | None = None) -> tuple[int, int]:
        """Available and pending US cents of a seller, or of the platform."""
        options: Any = {"stripe_account": seller.id} if seller else {}
        balance = await self.api.v1.balance.retrieve_async({}, options)
        available = sum(line.amount for line in balance.available if line.currency == "usd")
        return available, sum(line.amount for line in balance.pending if line.currency == "usd")

    async def event_types(self, seller: stripe.Account | None = None) -> list[str]:
        """Oldest first."""
        options: Any = {"stripe_account": seller.id} if seller else {}
        events = await self.api.v1.events.list_async({"limit": 100}, options)
        return [str(event.type) for event in reversed(events.data)]
