"""What came of a row: the twin's money, the ledger's journal, the messages, the state shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from libs.devstack.stripe_twin.books import PLATFORM
from tests.integration.cards.rows import Case, Row

_MINE = """
    select accounts, amounts::text[] as amounts
      from ledger.events
     where coalesce(data ->> 'order_id', data -> 'release' ->> 'order_id', data -> 'clawback' ->> 'order_id') ~ $1
        or exists (select from unnest(accounts) account where account ~ $2)
"""


async def check(row: Row, case: Case) -> None:
    """Assert all that the row says, and that Stripe's money and ours are the same money."""
    stripe, journal = at_stripe(case), await in_the_ledger(case)
    assert {
        "told": told(case),
        "stripe": stripe,
        "journal": journal,
        "shown": await shown(case, row.shown),
        "dead": dead(case),
    } == row.comes_to()
    assert sum(journal.values()) == 0
    assert as_booked(stripe) == {name: amount for name, amount in journal.items() if name.startswith("stripe:")}


def at_stripe(case: Case) -> dict[str, int]:
    """The twin's money of this order by what became of it; of sellers with their name behind: `sent ann`."""
    money: Counter[str] = Counter()
    for charge in case.charges():
        money["captured"] += charge.amount_minor if charge.status == "succeeded" else 0
    for refund in case.refunds():
        money[{"succeeded": "refunded", "pending": "refund pending"}.get(refund.status, "")] += refund.amount_minor
    for dispute in case.disputes():
        money["contested"] -= sum(line.amount_minor for line in dispute.lines)
        money["dispute fees"] += sum(line.fee_minor for line in dispute.lines)
    names = {account.id: name for name, account in case.accounts()}
    for account_id, name in names.items():
        for transfer in case.market.twin.world.transfers.where(PLATFORM, "destination", account_id):
            money[f"sent {name}"] += transfer.amount_minor
            money[f"reversed {name}"] += transfer.amount_reversed_minor
    for name, payout in case.payouts():
        money[f"{payout.status} {name}" if payout.status not in ("failed", "canceled") else ""] += payout.amount_minor
    return {name: amount for name, amount in money.items() if name and amount}


def as_booked(stripe: Mapping[str, int]) -> dict[str, int]:
    """The accounts at Stripe that the ledger must have for this money."""
    booked: Counter[str] = Counter()
    for name, amount in stripe.items():
        what, _, seller = name.rpartition(" ")
        match what:
            case "sent":
                booked[f"stripe:connected:{seller}"] += amount
                booked["stripe:platform"] -= amount
            case "reversed":
                booked[f"stripe:connected:{seller}"] -= amount
                booked["stripe:platform"] += amount
            case "paid":
                booked[f"stripe:connected:{seller}"] -= amount
            case _ if name == "captured":
                booked["stripe:platform"] += amount
            case _ if name in ("refunded", "contested", "dispute fees"):
                booked["stripe:platform"] -= amount
    return {name: amount for name, amount in booked.items() if amount}


async def in_the_ledger(case: Case) -> dict[str, int]:
    """All postings of this order's events, and of those on its sellers' accounts, summed by account."""
    summed: Counter[str] = Counter()
    for row in await case.market.database.fetch(_MINE, f"^{case.order}([.]|$)", f"-of-{case.order}(:|$)"):
        for account, amount in zip(row["accounts"], row["amounts"], strict=True):
            summed[case.short(account)] += int(amount)
    return {account: amount for account, amount in summed.items() if amount}


def told(case: Case) -> list[str]:
    """Types of the messages about this order and its sellers' payouts, without versions, in order."""
    return [
        envelope.type.rpartition(".")[0]
        for envelope in case.market.bus.told
        if (case.is_mine(envelope.subject) or str(envelope.data.get("seller", "")).endswith(f"-of-{case.order}"))
        and not envelope.type.startswith("order.")
    ]


def dead(case: Case) -> tuple[str, ...]:
    return tuple(
        parcel.death.code for parcel in case.market.bus.dead if parcel.death and case.is_mine(parcel.envelope.subject)
    )


async def shown(case: Case, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What HTTP shows at these paths (`payment`, `escrow`, `seller:ann`, `wallet:ann`, `payouts:ann`, `clawbacks:ann`),
    and the twin's settings of an account (`account:ann`).
    """
    pages = {root: await _page(case, root) for root in {path.split(".")[0] for path in wanted}}
    return {path: _at(pages, path) for path in wanted}


async def _page(case: Case, root: str) -> Any:
    market, (what, _, name) = case.market, root.partition(":")
    seller = case.seller(name)
    match what:
        case "payment":
            return await market.payment(case.order)
        case "escrow":
            return await market.escrow(case.order)
        case "seller":
            return await market.get(f"/sellers/{seller}")
        case "wallet":
            return (await market.get(f"/wallets/{seller}"))["currencies"][0]
        case "account":
            return [account.settings for owner, account in case.accounts() if owner == name][-1]
        case _:
            return (await market.get(f"/{what}", seller=seller))["items"]


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(value, list) and step == "count":
            value = len(value)
        else:
            value = value[int(step) if isinstance(value, list) else step]
    return value
