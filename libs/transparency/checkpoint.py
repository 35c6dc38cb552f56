"""Heads of a log as text to be signed (https://c2sp.org/tlog-checkpoint)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from libs.transparency.encoding import decoded, encoded, number
from libs.transparency.errors import Refused
from libs.transparency.keys import VerifierKey
from libs.transparency.merkle import HASH_BYTES
from libs.transparency.note import Note, verified


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How large a log's tree was and what root it had. `origin` names the log.

    We write no `extensions`: the standard advises against them, since nobody can audit what they say.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        lines = (self.origin, str(self.size), encoded(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Raises `Refused` (`bad_form`)."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() != "" or not all(lines):  # noqa: PLR2004 - three lines and the end of the last
            raise Refused("bad_form", "A head is three lines or more: the log's name, the tree's size and its root.")
        origin, size, root, *extensions = lines
        found = cls(origin, number(size, "The tree's size"), decoded(root, "The tree's root"), tuple(extensions))
        if len(found.root) != HASH_BYTES:
            raise Refused("bad_form", f"The tree's root has {len(found.root)} bytes, not {HASH_BYTES}.")
        return found


def opened(note: Note, keys: Collection[VerifierKey]) -> tuple[Checkpoint, tuple[VerifierKey, ...]]:
    """A head whose signature holds, and the known keys that signed it.

    Raises `Refused` as `verified` does, and with `wrong_origin` where a key signed a head of another log than its own.
    """
    signers = verified(note, keys)
    head = Checkpoint.parse(note.text)
    if any(key.name != head.origin for key in signers):
        raise Refused(
            "wrong_origin", f"The head is one of {head.origin}, the key that signed it is {signers[0].name}'s."
        )
    return head, signers
