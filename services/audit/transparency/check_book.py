"""A kept head against the book itself: what a rewritten tail cannot survive, however well its chain was mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from libs.eventstore.leaves import leaf_of_recorded, microseconds
from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Recorded
from libs.ledger.errors import Rejected
from libs.transparency.checkpoint import Checkpoint
from libs.transparency.entry import entry_bytes
from libs.transparency.merkle import CompactRange, leaf_hash
from services.audit.proofs.chain import Fault
from services.audit.proofs.progress import Meter, Progress, quiet


@dataclass(frozen=True, slots=True)
class BookCheck:
    """What was found. `root` is that of the events as they are now, in hex; `fault` is None where it is the head's."""

    book: int
    size: int
    root: str
    fault: Fault | None
    seconds: float
    events_per_second: int

    @property
    def ok(self) -> bool:
        return self.fault is None

    def json(self) -> dict[str, Any]:
        return {"ok": self.ok} | asdict(self)


class _Stopped(Exception):
    def __init__(self, code: str, text: str, position: int) -> None:
        super().__init__(text)
        self.fault = Fault(code, text, position)


async def check_book(ledger: Ledger, head: Checkpoint, *, progress: Progress = quiet) -> BookCheck:
    """Recompute the root of the first `head.size` events from their fields, in flat memory, and compare it.

    The head is the caller's, who has checked its signature; nothing that the database says of the tree is believed.
    Raises `Rejected` (`wrong_origin`) for a head of another book.
    """
    book = ledger.store.book
    if not head.origin.endswith(f"/book-{book}"):
        raise Rejected(
            f"The kept head is one of {head.origin}, not of book {book}; choose with --book.", code="wrong_origin"
        )
    edge = CompactRange()
    meter = Meter("kept head", head.size, progress)
    try:
        await _walk(ledger, head.size, edge, meter)
        fault = None if edge.root() == head.root else _rewritten(head)
    except _Stopped as stopped:
        fault = stopped.fault
    rate = round(meter.rate(edge.size))
    return BookCheck(book, head.size, edge.root().hex(), fault, round(meter.seconds, 3), rate)


async def _walk(ledger: Ledger, size: int, edge: CompactRange, meter: Meter) -> None:
    while edge.size < size:
        events, through = await ledger.feed.read(edge.size, through=size)
        if through == edge.size:
            raise _Stopped(
                "tail_missing", f"The book ends at position {edge.size}, the kept head covers {size}.", edge.size + 1
            )
        edge.extend(_hashed(events, edge.size))
        if edge.size != through:
            raise _Stopped("event_missing", f"Position {edge.size + 1} is missing.", edge.size + 1)
        meter.reached(edge.size)


def _hashed(events: Sequence[Recorded], before: int) -> list[bytes]:
    hashes = []
    for due, event in enumerate(events, before + 1):
        if event.position != due:
            raise _Stopped("event_missing", f"Position {due} is missing.", due)
        try:
            leaf = leaf_of_recorded(event)
            recorded_at = microseconds(event.recorded_at)
        except TypeError:  # an infinite time, which no event can have been stored with
            leaf = b""
        if leaf != event.leaf:
            raise _Stopped("event_changed", f"The fields of the event at position {due} do not give its hash.", due)
        hashes.append(leaf_hash(entry_bytes(leaf, recorded_at)))
    return hashes


def _rewritten(head: Checkpoint) -> Fault:
    return Fault(
        "history_changed",
        f"The first {head.size} events are not those that {head.origin} signed: every event fits its own hash, but "
        "their tree has another root. Some were rewritten, hashes and all.",
    )
