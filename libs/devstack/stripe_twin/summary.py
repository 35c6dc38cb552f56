"""The twin's money at a glance, for comparison with somebody else's ledger. All amounts in minor units."""

from collections import Counter

from libs.devstack.stripe_twin.books import BANKS, PLATFORM, Place
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World


def summary(world: World) -> Json:
    """Totals of all time per currency, what everyone holds now, and counts of objects by status."""
    return {
        "now": world.clock.now(),
        "currencies": {currency: _totals(world, currency) for currency in world.books.currencies()},
        "accounts": {account.id: _held(world, account.id) for account in world.accounts},
        "counts": _counts(world),
        "conserved": world.books.conserved(),
    }


def _totals(world: World, currency: str) -> Json:
    books = world.books
    connected = [Place(account.id, "available") for account in world.accounts]
    return {
        "captured": books.total("charge", currency),
        "refunded": books.total("refund", currency) - books.total("refund_failed", currency),
        "disputed": books.total("dispute", currency) - books.total("dispute_won", currency),
        "fees": books.total("fee", currency),
        "dispute_fees": books.total("dispute_fee", currency),
        "transferred": books.total("transfer", currency),
        "reversed": books.total("reversal", currency),
        "paid_out": books.balance(BANKS, currency),
        "payouts_in_transit": sum(
            amount_minor
            for owner in books.owners()
            for bucket, code, amount_minor in books.of(owner)
            if bucket == "in_transit" and code == currency
        ),
        "platform": {
            "available": books.balance(Place(PLATFORM, "available"), currency),
            "pending": books.balance(Place(PLATFORM, "pending"), currency),
        },
        "connected": {
            "available": sum(books.balance(place, currency) for place in connected),
            "pending": sum(books.balance(place._replace(bucket="pending"), currency) for place in connected),
        },
    }


def _held(world: World, owner: str) -> Json:
    held: dict[str, Json] = {}
    for bucket, currency, amount_minor in world.books.of(owner):
        held.setdefault(currency, {"available": 0, "pending": 0, "in_transit": 0, "paid_out": 0})[bucket] = amount_minor
    for payout in world.payouts.all(owner):
        if payout.status == "paid":
            held[payout.currency]["paid_out"] += payout.amount_minor
    return held


def _counts(world: World) -> Json:
    return {
        "accounts": len(world.accounts),
        "payment_intents": Counter(intent.status for intent in world.payment_intents),
        "charges": Counter(charge.status for charge in world.charges if charge.payment_intent),
        "refunds": Counter(refund.status for refund in world.refunds if refund.payment_intent),
        "disputes": Counter(dispute.status for dispute in world.disputes),
        "fraud_warnings": len(world.fraud_warnings),
        "transfers": len(world.transfers),
        "reversals": len(world.reversals),
        "payouts": Counter(payout.status for payout in world.payouts),
        "events": Counter(event.type for event in world.events),
    }
