"""What must hold of a market at any quiet moment, whatever happened in it before."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import asyncpg

from libs.devstack.stripe_twin.books import PLATFORM
from libs.devstack.stripe_twin.world import World
from libs.eventstore.ledger import open_ledger
from services.audit.proofs.replay import replay
from services.audit.proofs.verify import verify
from services.embedded.assembly import read_models
from tests.integration.cards.market import Market

Money = Counter[tuple[str, str]]
"""By account and currency; debits positive."""

_BALANCES: Final = "select account, currency, amount from ledger.balances where amount <> 0"
_HELD: Final = """
    select currency, sum(held_minor) as amount
      from escrow.allocations join escrow.escrows using (escrow_id)
     group by 1
"""
_OWED: Final = """
    select currency, sum(amount) as amount
      from (select currency, r.amount_minor - coalesce(settled.amount_minor, 0) as amount
              from payment.refunds r join payment.payments using (payment_id)
              left join (select each ->> 'refund_id' as refund_id,
                                sum((each ->> 'amount_minor')::bigint) as amount_minor
                           from ledger.events, json_array_elements(data -> 'refunds') each
                          where type = 'ChargebackLost'
                          group by 1) settled on settled.refund_id = r.refund_id::text
             where r.status not in ('succeeded', 'settled')
            union all
            select currency, r.amount_minor - r.charged_back_minor
              from escrow.refunds r join escrow.escrows using (escrow_id)
             where payable_at is null) owed
     group by 1
"""
_CONTESTED: Final = """
    select currency, sum(amount_minor) as amount
      from payment.chargebacks where stage = 'chargeback' and status = 'open'
     group by 1
"""


async def check_laws(market: Market) -> None:
    """Assert them all; for an expectation that fails, both sides are shown."""
    ours = await _balances(market.database)
    world = market.twin.world
    assert world.books.conserved()
    assert _sums(ours) == {}
    assert _of(ours, "escrow:held") == await _by_currency(market.database, _HELD, -1)
    assert _of(ours, "refunds:payable") == await _by_currency(market.database, _OWED, -1)
    assert _of(ours, "receivable:chargebacks") == await _by_currency(market.database, _CONTESTED, 1)
    assert _of(ours, "funds:unallocated") == {}
    assert _of(ours, "stripe:platform") == _platform(world)
    assert _connected(ours) == _accounts(world)


async def check_proofs(database_url: str) -> None:
    """An auditor finds every hash and balance right, and every read model derived from the log alone."""
    async with open_ledger(database_url, None) as ledger:
        verified = await verify(ledger)
        assert verified.ok, verified.faults
        replayed = await replay(ledger, read_models())
        assert replayed.equal, [each for each in replayed.comparisons if not each.equal]


async def check_reconciled(market: Market) -> None:
    """Stripe's lines and our bookings are the same, one by one and in both directions."""
    for found in await market.job("reconcile"):
        assert not found["left"], [await _findings(market, each) for each in (await _reports(market))[:2]]


async def _reports(market: Market) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await market.get("/reconciliations"))["items"]
    return found


async def _findings(market: Market, report: dict[str, Any]) -> Any:
    return await market.get(f"/reconciliations/{report['reconciliation_id']}")


async def work_left(market: Market) -> list[dict[str, Any]]:
    """What the services still mean to do at Stripe."""
    rows = [
        dict(row)
        for name in ("payment", "payout_scheduler")
        for row in await market.database.fetch(f"select kind, attempts, last_error from {name}.work order by kind")
    ]
    return [row for row in rows if row["kind"]]


async def _balances(database: asyncpg.Pool) -> Money:
    rows = await database.fetch(_BALANCES)
    return Counter({(row["account"], row["currency"]): int(row["amount"]) for row in rows})


async def _by_currency(database: asyncpg.Pool, query: str, sign: int) -> dict[str, int]:
    return {row["currency"]: sign * int(row["amount"]) for row in await database.fetch(query) if row["amount"]}


def _sums(money: Money) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for (_, currency), amount in money.items():
        sums[currency] += amount
    return {currency: amount for currency, amount in sums.items() if amount}


def _of(money: Money, account: str) -> dict[str, int]:
    return {currency: amount for (name, currency), amount in money.items() if name == account}


def _platform(world: World) -> dict[str, int]:
    """What Stripe has for the platform, as we book it: a refund that left counts when it has arrived."""
    held: Counter[str] = Counter()
    for bucket, currency, amount in world.books.of(PLATFORM):
        held[currency] += amount if bucket in ("available", "pending") else 0
    for refund in world.refunds.all(PLATFORM):
        held[refund.currency] += refund.amount_minor if refund.status == "pending" and refund.balance_transaction else 0
    return {currency.upper(): amount for currency, amount in held.items() if amount}


def _connected(money: Money) -> dict[tuple[str, str], int]:
    found = money.items()
    return {
        (account.removeprefix("stripe:connected:"), currency): amount
        for (account, currency), amount in found
        if account.startswith("stripe:connected:")
    }


def _accounts(world: World) -> dict[tuple[str, str], int]:
    """What Stripe has for each seller, what is on its way to their bank included: that leaves when it is paid."""
    held: Money = Counter()
    for account in world.accounts:
        for bucket, currency, amount in world.books.of(account.id):
            held[account.metadata["seller"], currency.upper()] += amount if bucket != "world" else 0
    return {key: amount for key, amount in held.items() if amount}
