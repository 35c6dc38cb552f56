"""All balances of a book, as they are or as they were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from services.audit.proofs.book import Balances, standing
from services.audit.proofs.progress import Meter, Progress, quiet
from services.audit.reports.moments import NOW, SQL, AsOf, Moment, resolve

SLICE_POSITIONS: Final = 20_000


@dataclass(frozen=True, slots=True)
class State:
    """A book's balances at a moment, minor units by (account, currency), debit positive."""

    book: int
    moment: Moment
    balances: Mapping[tuple[str, str], int]


async def state(ledger: Ledger, as_of: AsOf = NOW, *, progress: Progress = quiet) -> State:
    """The live balances now; as of any other moment, what the events themselves come to. Raises as `resolve`."""
    if as_of.now:
        book = await standing(ledger)
        return State(book.book, Moment(book.position), book.balances)
    moment = await resolve(ledger, as_of)
    return State(ledger.store.book, moment, await summed(ledger, moment, progress=progress))


async def summed(ledger: Ledger, moment: Moment, *, progress: Progress = quiet) -> Balances:
    """Every balance from the events, added up inside PostgreSQL, a slice at a time: in flat memory, with progress."""
    balances: defaultdict[tuple[str, str], int] = defaultdict(int)
    meter = Meter("balances", moment.position, progress)
    for after in range(0, moment.position, SLICE_POSITIONS):
        end = min(after + SLICE_POSITIONS, moment.position)
        with availability():
            rows = await ledger.pool.fetch(SQL.sums, ledger.store.book, after, end, moment.effective_by)
        for account, currency, amount_minor in rows:
            balances[account, currency] += amount_minor
        meter.reached(end)
    return balances
