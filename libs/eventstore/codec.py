"""Domain events to stored events and back, with pydantic doing the validation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from libs.eventstore.model import NewEvent, Recorded
from libs.ledger.decider import Event
from libs.ledger.personal import texts

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

    def encode(self, event: E, open_from: datetime | None = None) -> NewEvent:
        """The event with its postings; `at` becomes `effective_at` and is not stored twice.

        Unless it would post before `open_from`, into a closed accounting period: then it is effective from then, as
        accountants book what they hear of late, and the data keep its own `at`, which the business goes by.

        Raises `TypeError` for a personal text that was not sealed: once stored, it could never be erased.
        """
        name = type(event).__name__
        if any(text.state == "plain" for _, text in texts(event)):
            raise TypeError(f"{name} holds a text in plain; give its Executor a vault.")
        postings = event.postings()
        effective_at = max(event.at, open_from) if open_from and postings else event.at
        data = self._adapters[name].dump_json(event, exclude={"at"} if effective_at == event.at else None).decode()
        return NewEvent(name, data, effective_at, postings, event.schema_version)

    def decode(self, recorded: Recorded) -> E:
        """The domain event behind a stored one, brought up to the present schema."""
        adapter, present = self._adapters[recorded.type], self._types[recorded.type].schema_version
        if recorded.schema_version == present:  # nearly all are, and text to event in one go takes half the time
            return adapter.validate_json(_with_at(recorded.data, recorded.effective_at))
        data = json.loads(recorded.data)
        for version in range(recorded.schema_version, present):
            data = self._upcasts[recorded.type, version](data)
        return adapter.validate_python({"at": recorded.effective_at, **data})


def _with_at(data: str, at: datetime) -> str:
    """The JSON text with `at` put in front. Of a name that comes twice the last counts, so data keep their own `at`."""
    return f'{{"at":"{at.isoformat()}"{"" if data == "{}" else ","}{data[1:]}'
