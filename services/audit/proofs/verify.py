"""Is this history the one that was written? Every hash and every balance, recomputed from the events themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from services.audit.proofs.book import SQL, Standing, deviations, standing
from services.audit.proofs.chain import Block, Broken, Chain, Fault
from services.audit.proofs.progress import Meter, Progress, quiet

BLOCKS_AHEAD: Final = 1_000


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found. `head` is the hash of the last block: kept elsewhere, it shows a tail rewritten since."""

    book: int
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


async def verify(ledger: Ledger, *, progress: Progress = quiet) -> Verification:
    """Recompute a book's chain and balances up to its present head, in flat memory.

    The walk ends at the first fault, since nothing after it is proven; where the chain holds, every balance that
    differs from its postings, and every currency that does not sum to zero, is a fault of its own. Raises `NotFound`
    and `Unavailable`.
    """
    book = await standing(ledger)
    chain = Chain(book.book)
    meter = Meter("chain", book.position, progress)
    try:
        _look_outside(book)
        await _walk(ledger, book, chain, meter)
        chain.finish(book)
    except Broken as broken:
        faults = [broken.fault]
    else:
        faults = _unbalanced(book, chain)
    return Verification(
        book.book,
        book.position,
        book.block,
        book.head.hex(),
        faults,
        round(meter.seconds, 3),
        round(meter.rate(chain.position)),
    )


async def _walk(ledger: Ledger, book: Standing, chain: Chain, meter: Meter) -> None:
    reached = 0
    while reached < book.position:
        events, through = await ledger.feed.read(reached, through=book.position)
        if through == reached:
            break  # the book was cut while we walked
        reached = through
        while chain.positions_announced < reached and chain.blocks_announced < book.block:
            chain.announce(await _blocks(ledger, book, chain.blocks_announced))
        chain.walk(events)
        meter.reached(reached)


async def _blocks(ledger: Ledger, book: Standing, after: int) -> list[Block]:
    with availability():
        rows = await ledger.pool.fetch(SQL.blocks, book.book, after, book.block, BLOCKS_AHEAD)
    if not rows:
        raise Broken("block_missing", f"The blocks after {after} are missing.", after + 1, after + 1)
    return [Block(*row) for row in rows]


def _look_outside(book: Standing) -> None:
    for kind, number in book.outside:
        raise Broken(
            f"{kind}_outside",
            f"There is a {kind} {number}, the book ends at position {book.position} and block {book.block}.",
            number if kind == "event" else book.position,
            number if kind == "block" else None,
        )


def _unbalanced(book: Standing, chain: Chain) -> list[Fault]:
    faults = [Fault("balance_changed", f"{found}.") for found in deviations(book.balances, chain.balances)]
    totals: dict[str, int] = {}
    for (_, currency), amount in chain.balances.items():
        totals[currency] = totals.get(currency, 0) + amount
    return faults + [
        Fault("unbalanced", f"All postings in {currency} sum to {total}, not to zero.")
        for currency, total in totals.items()
        if total
    ]
