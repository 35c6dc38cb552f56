"""Commands against streams: load, decide, append, and again if somebody was faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from libs.eventstore.codec import Codec
from libs.eventstore.model import Appended, Change, Duplicate, Key, Meta, Moved, Reused, Short, Unit, stream_name
from libs.eventstore.store import reused
from libs.eventstore.writer import Writer
from libs.ledger.decider import Decider, Event
from libs.ledger.errors import Conflict, Overdrawn, Rejected

ATTEMPTS_MAX = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One command for one stream."""

    decider: Decider[Any, Any, Any]
    stream_id: UUID
    command: Any

    @property
    def stream(self) -> str:
        return stream_name(self.decider.kind, self.stream_id)


@dataclass(frozen=True, slots=True)
class Done:
    """What a request came to: the events it stored, none when there was nothing to do or it was a `duplicate`."""

    events: tuple[Event, ...] = ()
    positions: range = range(0)
    duplicate: bool = False


class Executor:
    """Runs commands for one service."""

    def __init__(self, writer: Writer, codec: Codec[Any]) -> None:
        self._writer = writer
        self._codec = codec

    async def state(self, decider: Decider[Any, Any, Any], stream_id: UUID) -> Any:
        """The present state of one stream; the decider's initial state where there is no such stream."""
        stream = stream_name(decider.kind, stream_id)
        loaded = await self._writer.load(stream)
        return decider.fold(map(self._codec.decode, loaded[stream]))

    async def run(self, *steps: Step, meta: Meta, key: Key | None = None) -> Done:
        """Decide every step on its own stream and store all their events in one unit.

        Raises what a decider raises (`Rejected`), `Overdrawn`, `KeyReused`, `Unavailable`, and `Conflict` when others
        kept changing the streams. With a key, a repetition is answered as `Done(duplicate=True)`, also when by now the
        command would be refused.
        """
        for _ in range(ATTEMPTS_MAX):
            try:
                changes, events = await self._decide(steps)
            except Rejected:
                if key and await self._writer.store.find(key):
                    return Done(duplicate=True)
                raise
            if not changes:
                return Done()
            match await self._writer.append(Unit(changes, meta, key)):
                case Appended(positions):
                    return Done(events, positions)
                case Duplicate(positions):
                    return Done((), positions, duplicate=True)
                case Short(account, currency, balance):
                    raise Overdrawn(
                        f"{account} holds {-balance} {currency} minor units, too little for this.",
                        account=account,
                        currency=currency,
                        balance_minor=balance,
                    )
                case Reused(value):
                    raise reused(value)
                case Moved():
                    continue
        streams = ", ".join(step.stream for step in steps)
        raise Conflict(f"Others kept changing {streams}; try again.", streams=streams)

    async def _decide(self, steps: Sequence[Step]) -> tuple[list[Change], tuple[Event, ...]]:
        loaded = await self._writer.load(*(step.stream for step in steps))
        changes: list[Change] = []
        happened: list[Event] = []
        for step in steps:
            past = loaded[step.stream]
            state = step.decider.fold(map(self._codec.decode, past))
            events = step.decider.decide(step.command, state)
            if events:
                changes.append(Change(step.stream, len(past), [self._codec.encode(event) for event in events]))
                happened += events
        return changes, tuple(happened)
