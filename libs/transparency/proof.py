"""Proofs as files: that an event is in a log, and that a log only ever grew.

The first is a C2SP tlog-proof (https://c2sp.org/tlog-proof) whose `extra` line carries the event. There is no standard
for a file of the second, so it follows the manner of the first. Each value has one spelling, so a file in which any
byte was changed is refused, unless the byte is in a signature by a key that the reader does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from libs.transparency.checkpoint import Checkpoint
from libs.transparency.encoding import decoded, encoded, number
from libs.transparency.entry import Entry
from libs.transparency.errors import Refused
from libs.transparency.merkle import HASH_BYTES, leaf_hash, verify_consistency, verify_inclusion
from libs.transparency.note import NOTE_CHARACTERS_MAX, Note

INCLUSION: Final = "c2sp.org/tlog-proof@v1"
CONSISTENCY: Final = "holdfast/tlog-consistency@v1"


@dataclass(frozen=True, slots=True)
class Inclusion:
    """An event, the path from it to a root, and the head that states the root."""

    entry: Entry
    path: tuple[bytes, ...]
    head: Note

    @property
    def heads(self) -> tuple[Note, ...]:
        return (self.head,)

    def format(self) -> str:
        lines = [INCLUSION, f"extra {encoded(self.entry.to_json().encode())}", f"index {self.entry.position - 1}"]
        return "\n".join([*lines, *map(encoded, self.path), "", self.head.format()])

    def check(self) -> None:
        """Raises `Refused` (`not_included`). Whether anybody vouches for the head is another question."""
        head = Checkpoint.parse(self.head.text)
        hashed = leaf_hash(self.entry.encoded())
        if not verify_inclusion(hashed, self.entry.position - 1, head.size, self.path, head.root):
            raise Refused(
                "not_included",
                f"The path does not lead from the event at position {self.entry.position} to the root of the "
                f"{head.size} events: it is not one of them, or not at this position.",
            )


@dataclass(frozen=True, slots=True)
class Consistency:
    """Two heads of a log, and the path that shows the older one's tree at the beginning of the newer one's."""

    path: tuple[bytes, ...]
    older: Note
    newer: Note

    @property
    def heads(self) -> tuple[Note, ...]:
        return (self.older, self.newer)

    def format(self) -> str:
        return "\n".join([CONSISTENCY, *map(encoded, self.path), "", self.older.format(), self.newer.format()])

    def check(self) -> None:
        """Raises `Refused` (`not_consistent`). Whether anybody vouches for the heads is another question."""
        older, newer = Checkpoint.parse(self.older.text), Checkpoint.parse(self.newer.text)
        if not verify_consistency(older.size, newer.size, self.path, older.root, newer.root):
            raise Refused(
                "not_consistent",
                f"The log of {newer.size} events does not begin with the log of {older.size} events: "
                "something that was there has been changed, removed or inserted.",
            )


Proof = Inclusion | Consistency


def parse(text: str) -> Proof:
    """Raises `Refused`: `bad_form`, or `event_changed` and `wrong_index` for an event that contradicts its proof."""
    if len(text) > 2 * NOTE_CHARACTERS_MAX:
        raise Refused("bad_form", "The file is too long to be a proof.")
    first, _, rest = text.partition("\n")
    if first not in {INCLUSION, CONSISTENCY}:
        raise Refused("bad_form", f"The file does not begin as a proof does, with {INCLUSION} or {CONSISTENCY}.")
    body, gap, heads = rest.partition("\n\n")
    if not gap:
        raise Refused("bad_form", "The file ends before the head that it should carry.")
    found = _inclusion(body.split("\n"), heads) if first == INCLUSION else _consistency(rest)
    if found.format() != text:
        raise Refused("bad_form", "The file is not written as a proof is: it was edited.")
    return found


def _inclusion(lines: list[str], head: str) -> Inclusion:
    labels = [line.partition(" ")[0] for line in lines[:2]]
    if labels != ["extra", "index"]:
        raise Refused("bad_form", "The file lacks the event (extra) or its place in the log (index).")
    try:
        event = decoded(lines[0].removeprefix("extra "), "The event").decode()
    except UnicodeDecodeError:
        raise Refused("bad_form", "The event in the proof is not UTF-8.") from None
    entry = Entry.from_json(event)
    index = number(lines[1].removeprefix("index "), "The event's place in the log")
    if index != entry.position - 1:
        raise Refused(
            "wrong_index", f"The event says position {entry.position}, the proof is for entry {index}, from 0."
        )
    return Inclusion(entry, _path(lines[2:]), Note.parse(head))


def _consistency(rest: str) -> Consistency:
    path, gap, heads = ("", "\n", rest.removeprefix("\n")) if rest.startswith("\n") else rest.partition("\n\n")
    text, second, others = heads.partition("\n\n")
    signatures, third, newer = others.partition("\n\n")
    if not (gap and second and third):
        raise Refused("bad_form", "The file lacks one of the two heads.")
    older = Note.parse(f"{text}\n\n{signatures}\n")
    return Consistency(_path(path.split("\n") if path else []), older, Note.parse(newer))


def _path(lines: list[str]) -> tuple[bytes, ...]:
    path = tuple(decoded(line, "A hash of the path") for line in lines)
    if any(len(each) != HASH_BYTES for each in path):
        raise Refused("bad_form", f"A hash of the path has not {HASH_BYTES} bytes.")
    return path
