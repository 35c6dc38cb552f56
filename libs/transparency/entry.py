"""An event as the log's tree holds it: its stored fields, their hash, and the entry made of both.

The checker's own reading of the format that README.md specifies. It shares no code with the writer
(`libs/eventstore/leaves.py`), so a mistake there would not be repeated here and go unseen.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from libs.transparency.errors import Refused

_INTEGERS = ("book", "position", "version", "schema_version", "recorded_at_microseconds", "effective_at_microseconds")
_TEXTS = ("stream", "type", "actor", "data")
_OPTIONAL_TEXTS = ("correlation_id", "causation_id", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Every stored field of an event. Times are microseconds since 1970 UTC; postings (account, currency, minor units,
    debit positive); `data` is JSON text to the letter.
    """

    book: int
    position: int
    stream: str
    version: int
    type: str
    schema_version: int
    recorded_at_microseconds: int
    effective_at_microseconds: int
    correlation_id: str | None
    causation_id: str | None
    actor: str
    reason: str | None
    postings: tuple[tuple[str, str, int], ...]
    data: str

    def leaf(self) -> bytes:
        """The hash of every field but position and `recorded_at` (32 bytes)."""
        fields: list[str | None] = [
            str(self.book),
            self.stream,
            str(self.version),
            self.type,
            str(self.schema_version),
            str(self.effective_at_microseconds),
            self.correlation_id,
            self.causation_id,
            self.actor,
            self.reason,
            str(len(self.postings)),
        ]
        for account, currency, amount_minor in self.postings:
            fields += [account, currency, str(amount_minor)]
        fields.append(self.data)
        values = [None if field is None else field.encode() for field in fields]
        lengths = [len(values), *(-1 if value is None else len(value) for value in values)]
        head = b"".join(length.to_bytes(4, "big", signed=True) for length in lengths)
        return sha256(head + b"".join(value or b"" for value in values)).digest()

    def encoded(self) -> bytes:
        """What the tree hashes; its place in the tree adds the one field that is missing, the position."""
        return entry_bytes(self.leaf(), self.recorded_at_microseconds)

    def to_json(self) -> str:
        """One line, fields in the order above, amounts as strings (wei exceed a double), then the leaf in hex."""
        postings = [
            {"account": account, "currency": currency, "amount_minor": str(amount)}
            for account, currency, amount in self.postings
        ]
        fields = asdict(self) | {"postings": postings, "leaf": self.leaf().hex()}
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Entry:
        """Raises `Refused`: `bad_form`, or `event_changed` where the fields do not give the leaf."""
        try:
            fields: dict[str, Any] = json.loads(text)
            leaf = fields.pop("leaf")
            postings = tuple((p["account"], p["currency"], int(p["amount_minor"])) for p in fields.pop("postings"))
            found = cls(**fields, postings=postings)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise Refused("bad_form", "The event in the proof is not one as a proof writes it.") from None
        found._check_types()
        if found.leaf().hex() != leaf:
            raise Refused(
                "event_changed", f"The fields of the event at position {found.position} do not give its hash."
            )
        if found.to_json() != text:
            raise Refused("bad_form", "The event in the proof is not written as a proof writes it.")
        return found

    def _check_types(self) -> None:
        """A number given as text would have the same hash."""
        numbers = [getattr(self, name) for name in _INTEGERS]
        texts = [getattr(self, name) for name in _TEXTS]
        texts += [value for name in _OPTIONAL_TEXTS if (value := getattr(self, name)) is not None]
        texts += [value for account, currency, _ in self.postings for value in (account, currency)]
        if not (all(map(_is_integer, numbers)) and all(map(_is_text, texts))):
            raise Refused("bad_form", "A field of the event in the proof is not of its type.")


def entry_bytes(leaf: bytes, recorded_at_microseconds: int) -> bytes:
    """An event's entry in the tree (40 bytes)."""
    return leaf + recorded_at_microseconds.to_bytes(8, "big", signed=True)


def _is_integer(value: object) -> bool:
    return type(value) is int and abs(value) < 1 << 63  # a bool is an int to isinstance


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)
