"""Units to append in tests."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from uuid import uuid4

from libs.eventstore.model import Change, Key, Meta, NewEvent, Unit
from libs.ledger.journal import Postings, transfer

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
META = Meta(actor="test", reason="because", correlation_id="order-1", causation_id="1-1")


def capture(amount_minor: int = 100) -> Postings:
    return transfer("USD", amount_minor, debit="stripe:platform", credit="funds:unallocated")


def hold(amount_minor: int = 100) -> Postings:
    return transfer("USD", amount_minor, debit="funds:unallocated", credit="escrow:held")


def event(postings: Postings = (), name: str = "Noted") -> NewEvent:
    return NewEvent(name, '{"note": "x", "amount": 1.50}', NOON, postings)


def stream() -> str:
    return f"payment-{uuid4()}"


def unit(
    *postings: Postings, to: str | None = None, version: int = 0, key: str | None = None, request: bytes = b"same"
) -> Unit:
    """One event for each journal entry (or one that posts nothing), in one stream."""
    change = Change(to or stream(), version, [event(p) for p in postings or ((),)])
    return Unit([change], META, Key(key, sha256(request).digest()) if key else None)
