"""Domain events to stored events and back, with pydantic doing the validation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from libs.eventstore.model import NewEvent, Recorded
from libs.ledger.decider import Event

E = TypeVar("E", bound=Event)
Upcast = Callable[[dict[str, Any]], dict[str, Any]]


class Codec(Generic[E]):
    """Encodes the events of one or several deciders. A type's stored name is its class's name.

    `upcasts` maps (type, schema version) to a pure function that turns data of that version into the next one's;
    stored bytes never change.
    """

    def __init__(self, types: Iterable[type[E]], upcasts: Mapping[tuple[str, int], Upcast] | None = None) -> None:
        self._types = {event_type.__name__: event_type for event_type in types}
        self._adapters: dict[str, TypeAdapter[E]] = {name: TypeAdapter(t) for name, t in self._types.items()}
        self._upcasts = upcasts or {}

    def encode(self, event: E) -> NewEvent:
        """The event with its postings; `at` becomes `effective_at` and is not stored twice."""
        name = type(event).__name__
        data = self._adapters[name].dump_json(event, exclude={"at"}).decode()
        return NewEvent(name, data, event.at, event.postings(), event.schema_version)

    def decode(self, recorded: Recorded) -> E:
        """The domain event behind a stored one, brought up to the present schema."""
        data = json.loads(recorded.data)
        for version in range(recorded.schema_version, self._types[recorded.type].schema_version):
            data = self._upcasts[recorded.type, version](data)
        return self._adapters[recorded.type].validate_python({**data, "at": recorded.effective_at})
