"""Signed notes: text that people can read, signed by one or more keys (https://c2sp.org/signed-note)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from libs.transparency.encoding import decoded, encoded
from libs.transparency.errors import Refused
from libs.transparency.keys import SignerKey, VerifierKey, is_name

NOTE_CHARACTERS_MAX: Final = 1_000_000
SIGNATURES_MAX: Final = 100
_DASH: Final = "— "
_ID_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Signature:
    """A line under a note: who says to have signed it."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        return f"{_DASH}{self.name} {encoded(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """`text` ends with a newline. Nothing in it counts before `verified` has named a key that one trusts."""

    text: str
    signatures: tuple[Signature, ...] = ()

    def format(self) -> str:
        return f"{self.text}\n{''.join(signature.line() for signature in self.signatures)}"

    @classmethod
    def parse(cls, given: str) -> Note:
        """Raises `Refused` (`bad_form`). A note without any signature is read, for `verified` to refuse."""
        if len(given) > NOTE_CHARACTERS_MAX or any(c < " " and c != "\n" for c in given):
            raise Refused("bad_form", "A note is text without control characters, of a megabyte at most.")
        text, gap, lines = given.rpartition("\n\n")
        if not gap or not text or (lines and not lines.endswith("\n")):
            raise Refused("bad_form", "A note is text, an empty line and one line for each signature.")
        signatures = tuple(_signature(line) for line in lines.split("\n")[:-1])
        if len(signatures) > SIGNATURES_MAX:
            raise Refused("bad_form", f"A note has at most {SIGNATURES_MAX} signatures.")
        return cls(f"{text}\n", signatures)


def signed(text: str, keys: Iterable[SignerKey]) -> Note:
    """The text signed by every one of these keys."""
    return Note(text, tuple(Signature(key.name, key.verifier.id, key.sign(text.encode())) for key in keys))


def verified(note: Note, keys: Collection[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Those of the known keys that signed the note, at least one.

    Signatures of others are passed over: that is how a key is replaced and how witnesses join in. Raises `Refused`
    with `bad_signature` where a known key's does not fit, and `unsigned` where there is none of a known key.
    """
    known = {(key.name, key.id): key for key in keys}
    found: list[VerifierKey] = []
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not key.verifies(note.text.encode(), signature.value):
            raise Refused(
                "bad_signature", f"The signature of {key.name}+{key.id.hex()} does not fit the text it is under."
            )
        found.append(key)
    if not found:
        raise Refused("unsigned", "No key that you gave has signed this, so nothing vouches for it.")
    return tuple(found)


def _signature(line: str) -> Signature:
    name, gap, value = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not gap or not is_name(name):
        raise Refused("bad_form", "A signature line is a long dash, a key's name and base64, with spaces between them.")
    signature = decoded(value, "A signature")
    if len(signature) <= _ID_BYTES:
        raise Refused("bad_form", "A signature is shorter than the id of its key.")
    return Signature(name, signature[:_ID_BYTES], signature[_ID_BYTES:])
