"""Commands against streams: load, decide, append, and again if somebody was faster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from libs.eventstore.codec import Codec
from libs.eventstore.model import (
    Appended,
    Change,
    Closed,
    Duplicate,
    Key,
    Meta,
    Moved,
    Recorded,
    Refused,
    Reused,
    Short,
    Unit,
    stream_name,
)
from libs.eventstore.store import reused
from libs.eventstore.vault import Vault
from libs.eventstore.writer import Writer
from libs.ledger.decider import Decider, Event
from libs.ledger.errors import Conflict, HoldfastError, Overdrawn, Rejected

ATTEMPTS_MAX = 5


@dataclass(frozen=True, slots=True)
class Place:
    """One stream, and the decider that understands it."""

    decider: Decider[Any, Any, Any]
    stream_id: UUID

    @property
    def stream(self) -> str:
        return stream_name(self.decider.kind, self.stream_id)


@dataclass(frozen=True, slots=True)
class Step(Place):
    """One command for one stream."""

    command: Any


@dataclass(frozen=True, slots=True)
class Derived(Place):
    """A command that follows from what other streams have come to, for a rule over several of them.

    `command` takes the states of `given`, in that order and as the steps before this one left them; None means that
    there is nothing to do. A stream that is only looked at may move on before the unit is stored. So whatever uses up
    what another stream allows must write to that stream in the same unit: then its version stands for what was seen.
    """

    command: Callable[..., Any]
    given: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """What a request came to: the events it stored, none when there was nothing to do or it was a `duplicate`."""

    events: tuple[Event, ...] = ()
    positions: range = range(0)
    duplicate: bool = False


class Executor:
    """Runs commands for one service. A service whose events hold personal text gives its `vault`."""

    def __init__(self, writer: Writer, codec: Codec[Any], vault: Vault | None = None) -> None:
        self._writer = writer
        self._codec = codec
        self._vault = vault
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def state(self, decider: Decider[Any, Any, Any], stream_id: UUID) -> Any:
        """The present state of one stream; the decider's initial state where there is no such stream."""
        stream = stream_name(decider.kind, stream_id)
        loaded = await self._writer.load(stream)
        return decider.fold(await self._opened(loaded[stream]))

    async def run(self, *steps: Step | Derived, meta: Meta, key: Key | None = None, as_dated: bool = False) -> Done:
        """Decide every step on its own stream, one after the other, and store all their events in one unit.

        Raises what a decider raises (`Rejected`), `Overdrawn`, `KeyReused`, `Unavailable`, and `Conflict` when others
        kept changing the streams. With a key, a repetition is answered as `Done(duplicate=True)`, also when by now the
        command would be refused.

        What happened, happened: a fact that is heard of after its accounting period was closed is booked in the first
        open instant (`Codec.encode`), however late its message or a processor's answer comes. A booking that somebody
        dates on purpose is refused instead (`as_dated`: `Rejected`, `period_closed`).
        """
        open_from: datetime | None = None
        line: asyncio.Lock | None = None
        async with AsyncExitStack() as standing:
            for _ in range(ATTEMPTS_MAX):
                try:
                    changes, events = await self._decide(steps, open_from)
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
                    case Closed(closed_before=closed_before) if not as_dated:
                        open_from = closed_before
                    case Moved(stream=stream) if line is None:
                        # Of twenty who want one stream one gets it a round, and the others would give up before their
                        # turn. In one line only: two who held what the other waits for would wait for ever.
                        line = self._lines.setdefault(stream, asyncio.Lock())
                        await standing.enter_async_context(line)
                    case Moved():  # another process was faster
                        continue
                    case refused:
                        raise _refusal(refused)
        streams = ", ".join(step.stream for step in steps)
        raise Conflict(f"Others kept changing {streams}; try again.", streams=streams)

    async def _decide(
        self, steps: Sequence[Step | Derived], open_from: datetime | None
    ) -> tuple[list[Change], tuple[Event, ...]]:
        places = {place.stream: place for step in steps for place in (step, *_given(step))}
        loaded = await self._writer.load(*places)
        states = {stream: place.decider.fold(await self._opened(loaded[stream])) for stream, place in places.items()}
        changes: list[Change] = []
        happened: list[Event] = []
        for step in steps:
            stream, version = step.stream, len(loaded[step.stream])
            if events := _events(step, states):
                states[stream] = step.decider.fold(events, states[stream])
                stored = await self._vault.sealed(stream, version, events) if self._vault else events
                changes.append(Change(stream, version, [self._codec.encode(event, open_from) for event in stored]))
                happened += events
        return changes, tuple(happened)

    async def _opened(self, past: Sequence[Recorded]) -> Sequence[Event]:
        events = [self._codec.decode(recorded) for recorded in past]
        return await self._vault.opened(past, events) if self._vault else events


def _given(step: Step | Derived) -> tuple[Place, ...]:
    return step.given if isinstance(step, Derived) else ()


def _events(step: Step | Derived, states: Mapping[str, Any]) -> Sequence[Event]:
    command = step.command
    if isinstance(step, Derived):
        command = step.command(*(states[place.stream] for place in step.given))
        if command is None:
            return ()
    return step.decider.decide(command, states[step.stream])


def _refusal(outcome: Short | Reused | Closed | Refused) -> HoldfastError:
    match outcome:
        case Short(account, currency, balance):
            return Overdrawn(
                f"{account} holds {-balance} {currency} minor units, too little for this.",
                account=account,
                currency=currency,
                balance_minor=balance,
            )
        case Reused(value):
            return reused(value)
        case Closed(effective_at, closed_before):
            month = f"{effective_at.astimezone(UTC):%Y-%m}"
            return Rejected(
                f"{month} is closed, so nothing can be posted as of {effective_at.isoformat()}. Post it as of "
                f"{closed_before.isoformat()} or later, or first `holdfast audit reopen-month {month} --reason ...`.",
                code="period_closed",
                month=month,
                closed_before=closed_before.isoformat(),
            )
        case Refused(code, text):
            return Rejected(text, code=code)
