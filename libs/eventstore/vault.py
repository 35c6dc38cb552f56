"""Personal texts of a book: sealed on their way into the log, opened for a decider or a person, never for a read model.

A key per subject lies in `ledger.subject_keys`, wrapped with a master key that the database never sees. Keys are looked
up each time and never kept, so that forgetting takes effect everywhere at once. Who has no vault (projections, relays,
auditors) decodes texts as sealed; what they derive is the same before and after a forgetting.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeVar

import asyncpg

from libs.eventstore import queries, sealing
from libs.eventstore.gatherer import Gatherer
from libs.eventstore.model import Recorded
from libs.eventstore.pool import availability
from libs.eventstore.sealing import KEY_BYTES, Place, RandomBytes
from libs.ledger.decider import Event
from libs.ledger.errors import Unavailable
from libs.ledger.personal import FreeText, texts, with_texts

SQL: Final = queries.load(Path(__file__).parent / "sql" / "vault.sql")
BATCH_MAX: Final = 200

E = TypeVar("E", bound=Event)
Subjects = frozenset[str]
Keys = Mapping[str, bytes | None]
"""By subject; None for one that was forgotten."""


class Vault:
    """Seals and opens the texts of one book. Of the master keys the first wraps and every one unwraps.

    All methods raise `Unavailable`, with code `wrong_data_key` where no master key fits.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        book: int,
        masters: Sequence[bytes],
        *,
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        self._pool = pool
        self._book = book
        self._masters = masters
        self._random_bytes = random_bytes
        self._found = Gatherer[Subjects, Keys](self._find, batch_max=BATCH_MAX)
        self._made = Gatherer[Subjects, Keys](self._make, batch_max=BATCH_MAX)

    async def sealed(self, stream: str, version: int, events: Sequence[E]) -> list[E]:
        """Events about to follow `version` of a stream, as they may be stored. New subjects get their keys.

        What belongs to somebody who was forgotten is forgotten at once: messages come late and twice, and what was
        erased must not come back with them.
        """
        if not (subjects := _subjects(events, "plain")):
            return list(events)
        seal = partial(self._seal, await self._made.ask(subjects))
        places = (
            Place(self._book, stream, number, type(event).__name__, "")
            for number, event in enumerate(events, version + 1)
        )
        return [_changed(event, "plain", place, seal) for event, place in zip(events, places, strict=True)]

    async def opened(self, recorded: Sequence[Recorded], events: Sequence[E]) -> list[E]:
        """Events that were decoded from `recorded`, their texts in plain, or forgotten. No round trip without texts."""
        if not (subjects := _subjects(events, "sealed")):
            return list(events)
        unseal = partial(_open, await self._found.ask(subjects))
        places = (Place(each.book, each.stream, each.version, each.type, "") for each in recorded)
        return [_changed(event, "sealed", place, unseal) for event, place in zip(events, places, strict=True)]

    async def ready(self) -> None:
        """Return if the master keys fit what is stored, as far as one key can tell."""
        with availability():
            rows = await self._pool.fetch(SQL.any_key, self._book)
        self._unwrapped(rows)

    def _seal(self, keys: Keys, text: FreeText, place: Place) -> FreeText:
        own = _own(keys, text)
        return _forgotten(text) if own is None else sealing.sealed(text, place, own, self._random_bytes)

    async def _find(self, requests: Sequence[Subjects]) -> list[Keys]:
        keys = await self._look_up(frozenset().union(*requests))
        return [keys] * len(requests)

    async def _make(self, requests: Sequence[Subjects]) -> list[Keys]:
        subjects = frozenset().union(*requests)
        keys = await self._look_up(subjects)
        if missing := sorted(subjects - keys.keys()):
            boxes = [
                sealing.wrapped(
                    self._random_bytes(KEY_BYTES), self._masters[0], self._book, subject, self._random_bytes
                )
                for subject in missing
            ]
            with availability():
                await self._pool.execute(SQL.add_keys, self._book, missing, boxes)
            # Read again: of two processes that made a key for one subject, the first one's counts for both.
            keys |= await self._look_up(frozenset(missing))
        return [keys] * len(requests)

    async def _look_up(self, subjects: Subjects) -> dict[str, bytes | None]:
        with availability():
            rows = await self._pool.fetch(SQL.keys, self._book, list(subjects))
        return self._unwrapped(rows)

    def _unwrapped(self, rows: Sequence[asyncpg.Record]) -> dict[str, bytes | None]:
        keys: dict[str, bytes | None] = {}
        for subject, box in rows:
            keys[subject] = box and sealing.unwrapped(box, self._masters, self._book, subject)
            if box and keys[subject] is None:
                raise Unavailable(
                    "None of the data keys opens what is stored; set HOLDFAST_DATA_KEY to the one it was stored with, "
                    "or to a new one and that one, separated by a comma.",
                    code="wrong_data_key",
                )
        return keys


def _subjects(events: Sequence[Event], state: Literal["plain", "sealed"]) -> Subjects:
    found = (text for event in events for _, text in texts(event) if text.state == state)
    return frozenset(subject for text in found for subject in text.subjects)


def _changed(
    event: E, state: Literal["plain", "sealed"], place: Place, change: Callable[[FreeText, Place], FreeText]
) -> E:
    return with_texts(
        event, lambda path, text: change(text, place._replace(path=path)) if text.state == state else text
    )


def _open(keys: Keys, text: FreeText, place: Place) -> FreeText:
    own = _own(keys, text)
    return _forgotten(text) if own is None else sealing.opened(text, place, own)


def _own(keys: Keys, text: FreeText) -> list[bytes] | None:
    """The keys of a text's subjects, None when one of them was forgotten."""
    own = [key for subject in text.subjects if (key := keys.get(subject)) is not None]
    return own if len(own) == len(text.subjects) else None


def _forgotten(text: FreeText) -> FreeText:
    return replace(text, text="", state="forgotten")
