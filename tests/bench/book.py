"""A long book to read from: releases of money to many sellers, as a real one holds them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.migrate import LEDGER, migrate
from libs.eventstore.model import Appended, Change, Meta, NewEvent, Unit
from libs.ledger import chart
from libs.ledger.journal import entry
from tests.bench.server import tuned_postgres

EVENTS = 50_000
BATCH = 500
SELLERS = 2_000


def release(number: int) -> Unit:
    """One event with three postings and about 250 bytes of data."""
    seller = f"seller-{number % SELLERS}"
    data = (
        f'{{"allocation_id":"{uuid4()}","escrow_id":"{uuid4()}","release_id":"{uuid4()}","order_id":"order-{number}",'
        f'"seller":"{seller}","currency":"USD","gross_minor":10000,"commission_minor":2000,"release":"auto_release"}}'
    )
    postings = entry(
        "USD",
        debit={chart.STRIPE_PLATFORM: 10_000},
        credit={chart.seller_available(seller): 8_000, chart.REVENUE_COMMISSION: 2_000},
    )
    event = NewEvent("AllocationReleased", data, datetime.now(UTC), postings)
    meta = Meta("/holdfast/escrow", None, f"order-{number}", f"1-{number}")
    return Unit([Change(f"escrow-{uuid4()}", 0, [event])], meta)


@asynccontextmanager
async def written_book() -> AsyncIterator[Ledger]:
    """A server of its own with a book of `EVENTS` events in blocks of `BATCH`."""
    async with tuned_postgres() as server:
        url = await server.create_database("bench")
        await migrate(url, LEDGER)
        async with open_ledger(url, None) as ledger:
            for start in range(0, EVENTS, BATCH):
                outcomes = await ledger.store.append([release(n) for n in range(start, start + BATCH)])
                assert all(isinstance(outcome, Appended) for outcome in outcomes)
            await ledger.pool.execute("vacuum analyze ledger.events")
            yield ledger
