"""What goes into the store and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.ledger.journal import Posting, Postings


def stream_name(kind: str, stream_id: UUID) -> str:
    """`payment-6f1e...`: the kind up to the first hyphen says who may write it."""
    return f"{kind}-{stream_id}"


@dataclass(frozen=True, slots=True)
class Meta:
    """Who did it, why, and in the course of what. Ids are those of messages or requests."""

    actor: str
    reason: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event on its way into the store; `data` is the JSON text that is kept and hashed to the letter."""

    type: str
    data: str
    effective_at: datetime
    postings: Postings = ()
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class Change:
    """Events for one stream whose version must be `expected_version` (0: the stream does not exist yet)."""

    stream: str
    expected_version: int
    events: Sequence[NewEvent]


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key; the fingerprint tells a repetition from another request under the same key."""

    value: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Unit:
    """What is stored wholly or not at all."""

    changes: Sequence[Change]
    meta: Meta
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """Stored, at these positions."""

    positions: range


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The same request was stored before, at these positions."""

    positions: range


@dataclass(frozen=True, slots=True)
class Moved:
    """Not stored: the stream is at another version than expected."""

    stream: str
    actual: int


@dataclass(frozen=True, slots=True)
class Short:
    """Not stored: the account would be overdrawn. `balance_minor` is signed as in postings, before this unit."""

    account: str
    currency: str
    balance_minor: int


@dataclass(frozen=True, slots=True)
class Reused:
    """Not stored: the key belongs to another request."""

    key: str


@dataclass(frozen=True, slots=True)
class Closed:
    """Not stored: it posts with an effective time in an accounting period that is closed (before `closed_before`)."""

    effective_at: datetime
    closed_before: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """Not stored: no store may take this unit, whatever else happens (`code` and `text` as in `Rejected`)."""

    code: str
    text: str


Outcome = Appended | Duplicate | Moved | Short | Reused | Closed | Refused


class Recorded(NamedTuple):
    """An event as it stands in the store. A tuple, because readers make many thousands of them a second."""

    book: int
    position: int
    stream: str
    version: int
    type: str
    schema_version: int
    recorded_at: datetime
    effective_at: datetime
    correlation_id: str | None
    causation_id: str | None
    actor: str
    reason: str | None
    accounts: Sequence[str]
    currencies: Sequence[str]
    amounts: Sequence[int]
    data: str
    leaf: bytes

    @property
    def id(self) -> str:
        """The event's id in messages: unique because positions are dense and never reused."""
        return f"{self.book}-{self.position}"

    @property
    def kind(self) -> str:
        return self.stream.partition("-")[0]

    @property
    def stream_id(self) -> UUID:
        return UUID(self.stream_id_text)

    @property
    def stream_id_text(self) -> str:
        """For what becomes text anyhow: to make a UUID of it and text again takes ten times as long."""
        return self.stream.partition("-")[2]

    @property
    def postings(self) -> Postings:
        return tuple(map(Posting, self.accounts, self.currencies, self.amounts))
