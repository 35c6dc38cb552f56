"""A book as it stood at a position, or one stream of it, from the events alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from libs.eventstore.store import recorded
from libs.ledger.errors import NotFound, Rejected
from services.audit.proofs.book import SQL, recomputed, standing
from services.audit.proofs.progress import Progress, quiet


@dataclass(frozen=True, slots=True)
class Balance:
    """What the postings on an account come to, debit positive; `live_minor` is the balance that is kept, None where
    there is nothing to compare with: the past, or one stream alone.
    """

    account: str
    currency: str
    amount_minor: int
    live_minor: int | None = None

    @property
    def equal(self) -> bool:
        return self.live_minor in (None, self.amount_minor)


@dataclass(frozen=True, slots=True)
class Rewound:
    """Balances other than zero as of a position."""

    book: int
    position: int
    balances: Sequence[Balance]

    @property
    def equal(self) -> bool:
        return all(balance.equal for balance in self.balances)

    def json(self) -> dict[str, Any]:
        return {"equal": self.equal} | asdict(self)


async def rewind(
    ledger: Ledger, position: int | None = None, accounts: str = "*", *, progress: Progress = quiet
) -> Rewound:
    """Fold the events up to a position, all unless given, into the balances of the accounts that match a pattern of the
    shell's kind (`seller:*:available`). At the head of the book they are compared with the live ones.

    Raises `NotFound` (`unknown_book`), `Rejected` (`position_ahead`), and as `recomputed`.
    """
    book = await standing(ledger)
    through = book.position if position is None else position
    if not 0 <= through <= book.position:
        raise Rejected(
            f"Book {book.book} ends at position {book.position}; replay it to 0 up to there, not to {through}.",
            code="position_ahead",
        )
    proper = await recomputed(ledger, through, progress=progress)
    live = book.balances if through == book.position else None
    found = [
        Balance(account, currency, proper.get(key, 0), None if live is None else live.get(key, 0))
        for key in sorted({*proper, *(live or ())})
        for account, currency in [key]
        if fnmatchcase(account, accounts)
    ]
    return Rewound(book.book, through, [each for each in found if each.amount_minor or each.live_minor])


@dataclass(frozen=True, slots=True)
class Told:
    """An event of a stream, with what it posts."""

    position: int
    version: int
    type: str
    recorded_at: datetime
    effective_at: datetime
    actor: str
    reason: str | None
    data: str
    postings: Sequence[Balance]


@dataclass(frozen=True, slots=True)
class Unrolled:
    """One stream up to a position: its events in order, and what they post together."""

    book: int
    position: int
    stream: str
    events: Sequence[Told]
    balances: Sequence[Balance]

    def json(self) -> dict[str, Any]:
        return asdict(self)


async def unroll(ledger: Ledger, stream: str, position: int) -> Unrolled:
    """Fold one stream up to a position. Raises `NotFound` (`unknown_stream`)."""
    book = ledger.store.book
    with availability():
        events = list(map(recorded, await ledger.pool.fetch(SQL.stream, book, stream, position)))
    if not events:
        raise NotFound(
            f"Book {book} has no stream {stream!r} up to position {position}; "
            "`holdfast audit tail` shows the names of streams.",
            code="unknown_stream",
        )
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for event in events:
        for account, currency, amount_minor in event.postings:
            sums[account, currency] += amount_minor
    told = [
        Told(
            event.position,
            event.version,
            event.type,
            event.recorded_at,
            event.effective_at,
            event.actor,
            event.reason,
            event.data,
            [Balance(*posting) for posting in event.postings],
        )
        for event in events
    ]
    return Unrolled(book, position, stream, told, [Balance(*key, amount) for key, amount in sums.items()])
