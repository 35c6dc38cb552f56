"""Is this history the one that was written? Every hash and every balance, recomputed from the events themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from libs.eventstore.ledger import Ledger
from services.audit.proofs import keys, written
from services.audit.proofs.blocks import Blocks
from services.audit.proofs.book import SQL, Standing, deviations, standing
from services.audit.proofs.chain import Broken, Chain, Fault, Sealed
from services.audit.proofs.guards import guards
from services.audit.proofs.keeper import Keeper, look_back
from services.audit.proofs.kept import load
from services.audit.proofs.progress import Meter, Progress, quiet
from services.audit.proofs.stream import reading


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found. `after` is the position behind which the walk began, 0 unless it was resumed. `head` is the hash
    of the last block: kept elsewhere, it shows a tail rewritten since.
    """

    book: int
    after: int
    position: int
    block: int
    head: str
    faults: Sequence[Fault]
    seconds: float
    events_per_second: int

    @property
    def ok(self) -> bool:
        return not self.faults

    def json(self) -> dict[str, Any]:
        return {"ok": self.ok} | asdict(self)


async def verify(
    ledger: Ledger, *, resume: Path | None = None, sealed: Sealed | None = None, progress: Progress = quiet
) -> Verification:
    """Recompute a book's chain and balances up to its present head, in flat memory.

    The walk ends at the first fault, since nothing after it is proven. Where the chain holds, every balance that
    differs from its postings, every currency that does not sum to zero, and a lock date that its events do not give is
    a fault of its own. Keys that lead astray and triggers that would not fire are told of in any case.

    `resume` is a file: the walk begins where the one ended that kept it, after a look whether its history is still
    there; it is written every few seconds, and at the end if all is well. `sealed` is told of every block on the way.
    Raises `NotFound`, `Unavailable`, and `Rejected` as `kept.load` does.
    """
    book = await standing(ledger)
    kept = load(resume, book.book) if resume else None
    keeper = Keeper(resume, kept) if resume else None
    chain = Chain(book.book, kept, sealed)
    after = chain.position
    meter = Meter("chain", book.position, progress, before=after)
    try:
        _look_outside(book)
        if kept:
            await look_back(ledger, kept)
        await _walk(ledger, book, chain, keeper, meter)
        chain.finish(book)
    except Broken as broken:
        faults = [broken.fault]
    else:
        faults = _beside(book, chain)
    took, rate = meter.seconds, meter.rate(chain.position)
    faults += await keys.faults(ledger, book.position, kept.keys if kept else None, progress)
    faults += await guards(ledger)
    if keeper and not faults:
        keeper.keep(chain, await keys.digest(ledger, book.position, progress))
    return Verification(
        book.book, after, book.position, book.block, book.head.hex(), faults, round(took, 3), round(rate)
    )


async def _walk(ledger: Ledger, book: Standing, chain: Chain, keeper: Keeper | None, meter: Meter) -> None:
    blocks = Blocks(ledger, book, chain.block, chain.expect)
    async with reading(ledger, SQL.written, chain.position, book.position, end=blocks.end) as slices:
        async for rows, through in slices:
            chain.walk(written.read(book.book, rows, chain.tally))
            meter.reached(through)
            if keeper:
                keeper.passing(chain)


def _look_outside(book: Standing) -> None:
    for kind, number in book.outside:
        raise Broken(
            f"{kind}_outside",
            f"There is a {kind} {number}, the book ends at position {book.position} and block {book.block}.",
            number if kind == "event" else book.position,
            number if kind == "block" else None,
        )


def _beside(book: Standing, chain: Chain) -> list[Fault]:
    """What stands beside the chain and must follow from it."""
    balances = chain.tally.balances
    faults = [Fault("balance_changed", f"{found}.") for found in deviations(book.balances, balances)]
    totals: dict[str, int] = {}
    for (_, currency), amount in balances.items():
        totals[currency] = totals.get(currency, 0) + amount
    faults += [
        Fault("unbalanced", f"All postings in {currency} sum to {total}, not to zero.")
        for currency, total in totals.items()
        if total
    ]
    if book.closed_before != chain.closed_before:
        text = (
            f"Nothing may be posted before {book.closed_before}, says the book; its events say {chain.closed_before}."
        )
        faults.append(Fault("lock_date_changed", text))
    return faults
