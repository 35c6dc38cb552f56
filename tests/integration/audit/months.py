"""Months of a book: postings dated as a test says, and what it takes to close them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Change, Meta, NewEvent, Outcome, Unit
from libs.ledger.journal import Postings
from services.audit.domain.sheet import Line
from services.audit.handlers.periods import Periods
from services.audit.proofs.turnovers import BookTurnovers
from services.audit.reports.periods import SealCheck, check
from services.audit.views.periods import Views

META = Meta("alice", "the month is complete")
OPENING_NIGHT = datetime(2026, 12, 24, 6, tzinfo=UTC)


def at(text: str) -> datetime:
    """`2026-10-31 23:59:59.999999`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dated(effective_at: datetime, *postings: Postings) -> Unit:
    """A unit of one event an entry, in a stream of its own; an event that posts nothing where there is no entry."""
    events = [NewEvent("Noted", "{}", effective_at, entry) for entry in postings or ((),)]
    return Unit([Change(f"payment-{uuid4()}", 0, events)], Meta("test"))


async def post(ledger: Ledger, effective_at: datetime, *postings: Postings) -> Outcome:
    [outcome] = await ledger.store.append([dated(effective_at, *postings)])
    return outcome


def periods(ledger: Ledger, now: datetime = OPENING_NIGHT) -> Periods:
    return Periods(ledger, BookTurnovers(ledger), lambda: now)


async def sealed_lines(ledger: Ledger, month: str, closing: int | None = None) -> list[Line]:
    views = Views(ledger)
    return [line async for line in views.lines((await views.one(month)).sealed(closing))]


async def checked(ledger: Ledger, month: str, closing: int | None = None) -> SealCheck:
    found = await Views(ledger).one(month)
    return await check(ledger, found, found.sealed(closing))
