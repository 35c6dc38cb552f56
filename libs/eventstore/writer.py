"""Group commit, and group reads: the store for many concurrent callers of one process."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from libs.eventstore.gatherer import Gatherer
from libs.eventstore.model import Outcome, Recorded, Refused, Unit
from libs.eventstore.store import BATCH_UNITS_MAX, IN_FLIGHT_MAX, Store
from libs.ledger.errors import Rejected

BATCH_READS_MAX = 200
SHARE_UNITS_MIN = 64
"""A second batch beside the first pays from so many units on."""

Streams = tuple[str, ...]
Loaded = dict[str, list[Recorded]]


class Writer:
    """Lets any number of tasks append to one store and read from it, many in a round trip."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._appends = Gatherer[Unit, Outcome](
            store.append,
            batch_max=BATCH_UNITS_MAX,
            in_flight_max=IN_FLIGHT_MAX,
            share_min=SHARE_UNITS_MIN,
            names=_names,
        )
        self._loads = Gatherer[Streams, Loaded](self._load_all, batch_max=BATCH_READS_MAX)

    async def append(self, unit: Unit) -> Outcome:
        """Store one unit, together with those of others. As `Store.append`, but raises `Rejected` for `Refused`."""
        outcome = await self._appends.ask(unit)
        if isinstance(outcome, Refused):
            raise Rejected(outcome.text, code=outcome.code)
        return outcome

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
