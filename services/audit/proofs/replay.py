"""Is everything that we show derived from what happened? Balances and read models, from the events once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from libs.eventstore.ledger import Ledger
from libs.eventstore.projector import Projection
from services.audit.proofs.book import Standing, deviations, recomputed, standing
from services.audit.proofs.progress import Meter, Progress, quiet
from services.audit.proofs.read_models import Comparison, compare

EXAMPLES_MAX: Final = 10

ReadModels = Sequence[tuple[str, Projection]]
"""Projections with the schema of the service that owns each."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What came out: `ledger.balances` first, then every table of every read model."""

    book: int
    position: int
    comparisons: Sequence[Comparison]
    seconds: float

    @property
    def equal(self) -> bool:
        return all(comparison.equal for comparison in self.comparisons)

    def json(self) -> dict[str, Any]:
        comparisons = [{"equal": each.equal} | asdict(each) for each in self.comparisons]
        return {"equal": self.equal} | asdict(self) | {"comparisons": comparisons}


async def replay(ledger: Ledger, read_models: ReadModels, *, progress: Progress = quiet) -> Replay:
    """Recompute every balance and every read model and compare them with the live ones.

    Each is compared as of where it stands; how far it is behind the log is for monitoring to say. Raises `NotFound`,
    `Unavailable`, and whatever a projection raises that cannot be applied.
    """
    book = await standing(ledger)
    meter = Meter("replay", book.position, quiet)
    comparisons = [await _balances(ledger, book, progress)]
    for schema, projection in read_models:
        comparisons += await compare(ledger, schema, projection, progress)
    return Replay(book.book, book.position, comparisons, round(meter.seconds, 3))


async def _balances(ledger: Ledger, book: Standing, progress: Progress) -> Comparison:
    proper = await recomputed(ledger, book.position, progress=progress)
    found = deviations(book.balances, proper)
    return Comparison(
        "ledger.balances",
        book.position,
        len(proper),
        len(found),
        len(found),
        [{"changed": asdict(deviation)} for deviation in found[:EXAMPLES_MAX]],
    )
