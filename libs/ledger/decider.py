"""The shape of every domain: two pure functions and the state they start from.

`decide(command, state)` says what happens or raises `Rejected`; `evolve(state, event)` says what that makes of the
state. Time, ids and randomness arrive in the command (the decider pattern, J. Chassaing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from libs.ledger.journal import Postings


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact of a domain. `at` is when it happened for the business (stored as `effective_at`), timezone-aware."""

    schema_version: ClassVar[int] = 1

    at: datetime

    def postings(self) -> Postings:
        """The journal entry of this event; empty when no money moves."""
        return ()


C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Decider(Generic[C, S, E]):
    """A domain as data. `kind` is the first part of its streams' names, `events` are all that may stand in them."""

    kind: str
    initial: S
    decide: Callable[[C, S], Sequence[E]]
    evolve: Callable[[S, E], S]
    events: tuple[type[E], ...]

    def fold(self, events: Iterable[E], state: S | None = None) -> S:
        """The state after `events`."""
        state = self.initial if state is None else state
        for event in events:
            state = self.evolve(state, event)
        return state
