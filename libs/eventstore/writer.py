"""Group commit, and group reads: the store for many concurrent callers of one process."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from libs.eventstore.batch import check
from libs.eventstore.gatherer import Gatherer
from libs.eventstore.model import Outcome, Recorded, Unit
from libs.eventstore.store import Store

BATCH_UNITS_MAX = 1_000
BATCH_READS_MAX = 200

Streams = tuple[str, ...]
Loaded = dict[str, list[Recorded]]


class Writer:
    """Lets any number of tasks append to one store and read from it; one batch of either is in flight at a time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._appends = Gatherer[Unit, Outcome](store.append, batch_max=BATCH_UNITS_MAX, names=_names)
        self._loads = Gatherer[Streams, Loaded](self._load_all, batch_max=BATCH_READS_MAX)

    async def append(self, unit: Unit) -> Outcome:
        """Store one unit. Errors as `Store.append`; a unit no store may take is refused before it joins a batch."""
        check(unit)
        return await self._appends.ask(unit)

    async def load(self, *streams: str) -> Loaded:
        """As `Store.load`: whatever was stored before this call is seen."""
        return await self._loads.ask(streams)

    async def _load_all(self, requests: Sequence[Streams]) -> list[Loaded]:
        loaded = await self.store.load(*{stream for streams in requests for stream in streams})
        return [{stream: loaded[stream] for stream in streams} for streams in requests]


def _names(unit: Unit) -> Collection[str]:
    """Streams and key: of two units with one of these in common, the second depends on the first."""
    names = [change.stream for change in unit.changes]
    return [*names, f"key {unit.key.value}"] if unit.key else names
