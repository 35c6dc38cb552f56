"""The conservation laws of the ledger against the world outside, which may be asserted at any quiet moment."""

from __future__ import annotations

import json

from tests.e2e.world import World

Balances = dict[str, int]


async def balances(world: World, currency: str = "USD") -> Balances:
    rows = await world.database.fetch("select account, amount from ledger.balances where currency = $1", currency)
    return {row["account"]: int(row["amount"]) for row in rows}


async def assert_conserved(world: World) -> Balances:
    """All balances sum to zero, what is held is what open escrows hold, and Stripe has what the ledger says it has."""
    held = await balances(world)
    assert sum(held.values()) == 0
    open_minor = await world.database.fetchval(
        "select coalesce(sum(gross_minor), 0) from escrow.allocations where status not in ('released', 'refunded')"
    )
    assert -held.get("escrow:held", 0) == open_minor

    summary = await world.twin.summary()
    assert summary["conserved"]
    stripe = summary["currencies"]["usd"]
    platform = stripe["platform"]["available"] + stripe["platform"]["pending"] + stripe["fees"]
    assert held.get("stripe:platform", 0) == platform, "fees are booked by reconciliation"
    connected = stripe["connected"]["available"] + stripe["connected"]["pending"] + stripe["payouts_in_transit"]
    assert sum(v for k, v in held.items() if k.startswith("stripe:connected:")) == connected
    return held


async def assert_proven(world: World) -> None:
    """`holdfast audit verify` and `replay` find nothing, run as an auditor runs them."""
    code, out, err = await world.holdfast("audit", "verify", "--json")
    assert code == 0, out + err
    assert json.loads(out)["ok"]
    code, out, err = await world.holdfast("audit", "replay", "--json")
    assert code == 0, out + err
    assert json.loads(out)["equal"]
