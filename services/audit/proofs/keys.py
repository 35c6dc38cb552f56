"""Idempotency keys: a key that is gone or leads elsewhere lets a request be carried out twice.

No event holds its key, so the chain cannot say which keys there must be. Where they lead is checked always; that none
was changed or removed, against what an earlier verification kept.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from services.audit.proofs.book import SQL
from services.audit.proofs.chain import Fault
from services.audit.proofs.kept import Keys
from services.audit.proofs.progress import Meter, Progress

PAGE_KEYS: Final = 20_000
SHOWN_MAX: Final = 10
SCAN_SECONDS_MAX: Final = 3_600.0


async def faults(ledger: Ledger, through: int, kept: Keys | None, progress: Progress) -> list[Fault]:
    """The first few keys that lead to positions outside the book, and whether those that were kept are as they were."""
    found = await _astray(ledger, through)
    if kept:
        now = await digest(ledger, kept.position, progress)
        if now != kept:
            text = f"The keys of the events up to {kept.position} changed: {kept.number} then, {now.number} now."
            found.append(Fault("keys_changed", text))
    return found


async def _astray(ledger: Ledger, through: int) -> list[Fault]:
    with availability():
        found = await ledger.pool.fetch(
            SQL.keys_astray, ledger.store.book, through, SHOWN_MAX, timeout=SCAN_SECONDS_MAX
        )
    return [
        Fault("key_astray", f"The key {key!r} leads to positions {first} to {last}, where there are no events.", first)
        for key, first, last in found
    ]


async def digest(ledger: Ledger, through: int, progress: Progress) -> Keys:
    """All keys of the events up to a position."""
    number, last, whole = 0, "", b""
    meter = Meter("keys", through, progress)
    while True:
        with availability():
            page = await ledger.pool.fetchrow(SQL.keys_page, ledger.store.book, through, last, PAGE_KEYS)
        if not page or not page["number"]:
            meter.reached(through)
            return Keys(through, number, whole)
        number, last, whole = number + page["number"], page["last"], sha256(whole + page["digest"]).digest()
        meter.reached(min(number, through))
