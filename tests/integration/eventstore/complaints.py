"""A domain whose events hold what people typed, on a real ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from libs.eventstore.codec import Codec
from libs.eventstore.execute import Done, Executor, Step
from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Meta, Recorded, stream_name
from libs.eventstore.vault import Vault
from libs.ledger.decider import Decider, Event
from libs.ledger.personal import FreeText, texts

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
OLD, NEW = b"o" * 32, b"n" * 32
PLAIN = "my name is Ophelia"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complained(Event):
    why: FreeText


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated(Event):
    """What was said first, once more."""

    again: FreeText


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Event):
    code: str


@dataclass(frozen=True, slots=True)
class Complain:
    why: FreeText


class Repeat:
    """Say the first thing once more."""


class Close:
    """Says nothing."""


State = tuple[FreeText, ...]


def _decide(command: Complain | Repeat | Close, state: State) -> Sequence[Event]:
    match command:
        case Complain(why):
            return [Complained(at=NOON, why=why)]
        case Repeat():
            return [Repeated(at=NOON, again=state[0])]
        case Close():
            return [Closed(at=NOON, code="x")]


def _evolve(state: State, event: Event) -> State:
    return (*state, *(text for _, text in texts(event)))


COMPLAINT = Decider[Complain | Repeat | Close, State, Event](
    "payment", (), _decide, _evolve, (Complained, Repeated, Closed)
)


class Desk:
    """Complaints of one book under some master keys."""

    def __init__(self, ledger: Ledger, *masters: bytes) -> None:
        self.ledger = ledger
        self.vault = Vault(ledger.pool, ledger.store.book, masters or (OLD,))
        self._executor = Executor(ledger.writer, Codec[Any](COMPLAINT.events), self.vault)

    async def hear(self, stream_id: UUID, text: str = PLAIN, *subjects: str) -> Done:
        return await self.run(stream_id, Complain(FreeText(text, subjects or ("buyer-1", "order:A-1"))))

    async def run(self, stream_id: UUID, command: Complain | Repeat | Close) -> Done:
        return await self._executor.run(Step(COMPLAINT, stream_id, command), meta=Meta("test"))

    async def shown(self, stream_id: UUID) -> list[str]:
        """The texts of a complaint as somebody may read them now."""
        state: State = await self._executor.state(COMPLAINT, stream_id)
        return [text.shown for text in state]

    async def stored(self, stream_id: UUID) -> list[Recorded]:
        stream = stream_name(COMPLAINT.kind, stream_id)
        return (await self.ledger.store.load(stream))[stream]
