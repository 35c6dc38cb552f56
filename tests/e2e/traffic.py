"""Orders by the hundred, each with its buyer and its courier, against whatever is up at the moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg

from libs.ledger.errors import Unavailable
from tests.e2e.world import MONDAY, World, delivered, placed

DELIVERED = MONDAY + timedelta(days=2)
RELEASED = DELIVERED + timedelta(days=7)
PAYDAY = MONDAY + timedelta(days=14)
SELLERS = ("ann", "bob", "cem", "dua")
_AT_ONCE = 8
_PAUSE_SECONDS = 0.1
_TO_PAY = """
select order_id, intent_id from payment.payments
 where status = 'requested' and intent_id is not null and order_id <> all ($1::text[])
"""
_TO_DELIVER = "select order_id from escrow.escrows where status = 'HELD' and order_id <> all ($1::text[])"


@dataclass
class Traffic:
    """`orders` orders, each of some sellers. Every step is taken by somebody outside who does not give up."""

    world: World
    orders: int
    sellers_each: int = 2
    amount_minor: int = 2_000
    paid: set[str] = field(default_factory=set)
    delivered: set[str] = field(default_factory=set)

    @property
    def gross_minor(self) -> int:
        return self.sellers_each * self.amount_minor * self.orders

    async def flow(self) -> None:
        """Place all orders, pay them, deliver them; returns when the last parcel has arrived."""
        await asyncio.gather(self._shop(), self._buyers(), self._couriers())

    async def _shop(self) -> None:
        for number in range(self.orders):
            sellers = [(SELLERS[(number + n) % len(SELLERS)], self.amount_minor) for n in range(self.sellers_each)]
            await self._insist(self._place(f"order-{number}", *sellers))

    def _place(self, order_id: str, *lines: tuple[str, int]) -> Callable[[], Awaitable[None]]:
        return lambda: self.world.tell(placed(order_id, *lines))

    async def _buyers(self) -> None:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def pay(payment: asyncpg.Record) -> None:
            async with gate:
                await self.world.twin.confirm(payment["intent_id"], "pm_card_visa")
            self.paid.add(payment["order_id"])

        while len(self.paid) < self.orders:
            await asyncio.gather(*map(pay, await self._seen(_TO_PAY, self.paid)))
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _couriers(self) -> None:
        while len(self.delivered) < self.orders:
            if arrived := [escrow["order_id"] for escrow in await self._seen(_TO_DELIVER, self.delivered)]:
                messages = [delivered(order_id, DELIVERED) for order_id in arrived]
                await self._insist(lambda messages=messages: self.world.tell(*messages, at=DELIVERED))  # type: ignore[misc]  # bound now
                self.delivered |= set(arrived)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _seen(self, statement: str, before: set[str]) -> list[asyncpg.Record]:
        """What has become ready for somebody outside; nothing while the database is away.

        Read from the tables: hundreds of buyers polling over HTTP would be most of the load.
        """
        try:
            return await self.world.database.fetch(statement, list(before))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return []

    async def _insist(self, tell: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await tell()
            except Unavailable:
                await asyncio.sleep(_PAUSE_SECONDS)

    async def release(self, as_of: datetime = RELEASED) -> None:
        """Let the inspection time pass, and wait until every allocation is released and transferred."""
        await self.world.until(self._counted("escrow.escrows", "status = 'PENDING_RELEASE'"), within_seconds=120)
        await self.world.job("release-due", as_of)
        await self.world.until(self._transferred, within_seconds=180)

    async def pay_out(self) -> None:
        """Payday: one payout a seller, and time for the banks."""
        await self.world.twin.set_clock(int(PAYDAY.timestamp()))
        await self.world.job("payouts-due", PAYDAY)
        await self.world.twin.advance(3 * 86_400)
        await self.world.until(self._paid_out, within_seconds=120)

    def _counted(self, table: str, condition: str) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            statement = f"select count(*) from {table} where {condition}"
            return bool(await self.world.database.fetchval(statement) == self.orders)

        return look

    async def _transferred(self) -> bool:
        statement = "select count(*) from ledger.events where type = 'TransferSettled'"
        return bool(await self.world.database.fetchval(statement) == self.sellers_each * self.orders)

    async def _paid_out(self) -> bool:
        statement = "select coalesce(-sum(amount), 0) from ledger.balances where account like 'seller:%:available'"
        in_transit = "select coalesce(-sum(amount), 0) from ledger.balances where account = 'payouts:in_transit'"
        return not await self.world.database.fetchval(statement) and not await self.world.database.fetchval(in_transit)


async def assert_each_cent_moved_once(world: World, traffic: Traffic) -> None:
    """At the twin and in the ledger, and nowhere else: what was paid is with the sellers' banks and in commission."""
    totals = (await world.twin.summary())["currencies"]["usd"]
    commission_minor = traffic.gross_minor // 5
    assert totals["captured"] == traffic.gross_minor
    assert totals["refunded"] == 0
    assert totals["transferred"] == totals["paid_out"] == traffic.gross_minor - commission_minor
    counts = await world.database.fetch("select type, count(*) as n from ledger.events group by type")
    by_type = {row["type"]: row["n"] for row in counts}
    assert by_type["PaymentCaptured"] == by_type["FundsHeld"] == traffic.orders
    assert by_type["AllocationReleased"] == by_type["TransferSettled"] == traffic.sellers_each * traffic.orders
