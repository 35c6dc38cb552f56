"""Texts that people typed. A domain reads them and passes them on, `libs.eventstore.vault` keeps them sealed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from typing import Any, Final, Literal, TypeVar, get_args, get_type_hints

SEALED: Final = "[sealed]"
FORGOTTEN: Final = "[forgotten]"
UNREADABLE: Final = "[unreadable]"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FreeText:
    """A text that may tell of a person, and whose it is: its author first, then the others it may tell of.

    Sealing it takes the keys of all its `subjects`, so one of them forgotten makes it unreadable for ever. Subjects are
    pseudonyms and stay. `text` is what was typed while the state is plain, ciphertext while it is sealed, and empty
    otherwise; it is no part of the `repr`, which ends up in logs.
    """

    text: str = field(repr=False)
    subjects: tuple[str, ...]
    state: Literal["plain", "sealed", "forgotten", "unreadable"] = "plain"

    @property
    def shown(self) -> str:
        """What a person gets to see: the text, or in brackets why it cannot be read."""
        match self.state:
            case "plain":
                return self.text
            case "sealed":
                return SEALED
            case "forgotten":
                return FORGOTTEN
            case "unreadable":
                return UNREADABLE


def of_order(order_id: str) -> str:
    """The subject of what is said about an order: to forget its buyer is to forget this."""
    return f"order:{order_id}"


def plain_json(text: str, *subjects: str) -> dict[str, Any]:
    """A text as JSON, for the upcast of an event that was stored before its texts were sealed."""
    return {"text": text, "subjects": list(subjects)}


@cache
def holds_text(kind: Any) -> bool:
    """Whether a value of this type (an event's class, a union, a tuple) can have a text somewhere inside."""
    if kind is FreeText:
        return True
    if is_dataclass(kind):
        return any(map(holds_text, get_type_hints(kind).values()))
    return any(map(holds_text, get_args(kind)))


def texts(value: object) -> Sequence[tuple[str, FreeText]]:
    """The texts inside an event, each with its path (`fact.reason`)."""
    found: list[tuple[str, FreeText]] = []

    def note(path: str, text: FreeText) -> FreeText:
        found.append((path, text))
        return text

    with_texts(value, note)
    return found


def with_texts(value: T, change: Callable[[str, FreeText], FreeText]) -> T:
    """The same event, its texts replaced by what `change` makes of each, given its path."""
    changed: T = _with_texts(value, change, ())
    return changed


def _with_texts(value: Any, change: Callable[[str, FreeText], FreeText], path: tuple[str, ...]) -> Any:
    if isinstance(value, FreeText):
        return change(".".join(path), value)
    if isinstance(value, tuple):
        return tuple(_with_texts(part, change, (*path, str(index))) for index, part in enumerate(value))
    if is_dataclass(value) and not isinstance(value, type) and holds_text(type(value)):
        parts = {each.name: getattr(value, each.name) for each in fields(value)}
        return replace(value, **{name: _with_texts(part, change, (*path, name)) for name, part in parts.items()})
    return value
