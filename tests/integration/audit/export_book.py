"""A book with all that makes exporting hard, and its trial balance as any tool must find it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Appended, Change, Meta, NewEvent, Unit
from libs.ledger import chart
from libs.ledger.journal import Postings, entry, transfer
from services.audit.reports.moments import AsOf
from services.audit.reports.trial_balance import trial_balance
from tests.conftest import Databases

Balances = dict[tuple[str, str], int]

WEI = 3_000_000_000_123_456_789_012_345_678
"""Three billion ether and some: beyond 64 bits, and as many digits as beancount computes with."""
SELLERS = ("ada", "Ada", "_ada", "ada_", "a.d@a", "a-d-a", "-", "7", "X-xada", "acct_1AbC")
ODD = 'line\nbreak; "quoted", a\\b (c) [d] {e} 50% été | x:y'
DAY = datetime(2026, 11, 2, 23, 59, 59, 999_999, tzinfo=UTC)


def happened(kind: str, postings: Postings, days: int = 0, *, meta: Meta | None = None, data: str = "{}") -> Unit:
    event = NewEvent(kind, data, DAY + timedelta(days), postings, 2)
    return Unit([Change(f"payment-{uuid4()}", 0, [event])], meta or Meta("/holdfast/payment"))


@asynccontextmanager
async def marketplace(databases: Databases) -> AsyncIterator[Ledger]:
    """The book in a database of its own, as the audit service sees it: for tests that change nothing."""
    url = await databases.create()
    async with open_ledger(url, None) as owner:
        await write(owner)
    async with open_ledger(url, "audit") as ledger:
        yield ledger
    await databases.drop(url)


async def write(owner: Ledger) -> None:
    """Twenty-two events in five blocks: 1-5, 6, 7-16, 17, 18-22. Some post nothing; days are not in order."""
    hold = {"debit": chart.FUNDS_UNALLOCATED, "credit": chart.ESCROW_HELD}
    captures = [
        happened("PaymentCaptured", transfer(code, amount, debit=account, credit=chart.FUNDS_UNALLOCATED), days)
        for code, amount, account, days in (
            ("USD", 123_456, chart.STRIPE_PLATFORM, 0),
            ("JPY", 5_000, chart.STRIPE_PLATFORM, -40),
            ("KWD", 1_234, chart.STRIPE_PLATFORM, 3),
            ("USDC@8453", 1, "chain:8453:escrow", 1),
            ("ETH@1", WEI, "chain:1:escrow", 2),
        )
    ]
    odd = Meta(ODD, reason="", correlation_id=ODD, causation_id=ODD)
    hold_usd = transfer("USD", 100_000, **hold)
    held = [happened("FundsHeld", hold_usd, meta=odd, data='{"note": "a,\\n\\"b\\"",\n "n": 1.50}')]
    releases = [
        happened(
            "AllocationReleased",
            entry(
                "USD",
                debit={chart.ESCROW_HELD: 1_001},
                credit={chart.seller_available(name): 901, chart.REVENUE_COMMISSION: 100},
            ),
        )
        for name in SELLERS
    ]
    refund = [
        happened("EscrowRefunded", transfer("USD", 50_000, debit=chart.ESCROW_HELD, credit=chart.REFUNDS_PAYABLE), 5)
    ]
    mixed = transfer("USD", 7, debit="expense:gas", credit=chart.REVENUE_COMMISSION)
    mixed += transfer("ETH@1", 5, debit="expense:gas", credit="revenue:shipping")
    others = [
        happened("RefundSucceeded", transfer("USD", 50_000, debit=chart.REFUNDS_PAYABLE, credit=chart.STRIPE_PLATFORM)),
        happened(f"Noted{ODD}", ()),
        happened("GasPaid", mixed, -1),
        happened("FundsHeld", transfer("JPY", 4_999, **hold)),
        happened("Noted", ()),
    ]
    for units in (captures, held, releases, refund, others):
        assert all(isinstance(outcome, Appended) for outcome in await owner.store.append(units))


async def ours(ledger: Ledger, position: int | None = None) -> Balances:
    """Our trial balance: minor units, debit positive."""
    found = await trial_balance(ledger, AsOf(recorded=position))
    assert found.balanced
    return {(line.account, line.currency): line.debit_minor - line.credit_minor for line in found.lines}
