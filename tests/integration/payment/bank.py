"""The buyer's bank, and what people do about what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from services.payment.domain.order import payment_id_of
from tests.integration.payment.desk import ORDER, Desk

PAID = ["PaymentRequested", "IntentCreated", "PaymentCaptured"]
PATH = f"/payments/{payment_id_of(1, ORDER.order_id)}"
EVIDENCE = {"texts": {"uncategorized_text": "Delivered to the door."}, "submit": True}


@dataclass
class Bank:
    """The buyer's bank, through the twin; every turn ends when the service has done all that it called for."""

    desk: Desk
    dispute_id: str = ""

    async def opens(self, amount_minor: int | None = None, *, inquiry: bool = False) -> None:
        dispute = await self.desk.twin.open_dispute(await self.desk.intent_id(), amount_minor, inquiry=inquiry)
        self.dispute_id = dispute["id"]
        await self.desk.work()

    async def escalates(self) -> None:
        await self.desk.twin.escalate_dispute(self.dispute_id)
        await self.desk.work()

    async def decides(self, *, won: bool) -> None:
        await self.desk.twin.close_dispute(self.dispute_id, won=won)
        await self.desk.work()


async def new_story(desk: Desk) -> list[str]:
    return (await desk.story())[len(PAID) :]


async def chargeback_of(desk: Desk) -> dict[str, Any]:
    [chargeback] = (await desk.shown())["chargebacks"]
    found: dict[str, Any] = chargeback
    return found


async def post(desk: Desk, path: str, body: Any = None, key: str = "k1") -> httpx.Response:
    return await desk.http.post(f"{PATH}/{path}", json=body, headers={"Idempotency-Key": key})


async def give(desk: Desk, key: str = "k1", **changes: Any) -> httpx.Response:
    chargeback_id = (await chargeback_of(desk))["chargeback_id"]
    return await post(desk, f"chargebacks/{chargeback_id}/evidence", EVIDENCE | changes, key)


async def assert_books_agree(desk: Desk) -> None:
    """What the ledger says is with Stripe is with Stripe."""
    balances = (await desk.twin.summary())["currencies"]["eur"]["platform"]
    assert await desk.balance("stripe:platform") == sum(balances.values())
