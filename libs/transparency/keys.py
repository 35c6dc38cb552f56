"""Keys of signed notes as text (https://c2sp.org/signed-note, golang.org/x/mod/sumdb/note). Ed25519 only.

A key's name is the log's: it is the origin line of the heads that the key signs. Keys of one log share the name and
differ in their id, which is how one key takes over from another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from libs.transparency.encoding import decoded, encoded
from libs.transparency.errors import Refused

KEY_BYTES: Final = 32
_ED25519: Final = b"\x01"
_PRIVATE: Final = "PRIVATE+KEY+"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """What an outsider holds. Public."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def id(self) -> bytes:
        """Four bytes that tell a log's keys apart; too few to prove anything."""
        return sha256(f"{self.name}\n".encode() + _ED25519 + self.public).digest()[:4]

    @property
    def text(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encoded(_ED25519 + self.public)}"

    def verifies(self, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Raises `Refused` (`bad_key`)."""
        name, key_id, public = _parts(text, "verifier key")
        key = cls(name, public)
        if key.id.hex() != key_id:
            raise Refused("bad_key", "The verifier key's id does not fit its name and its key: a part was mistyped.")
        return key


@dataclass(frozen=True, slots=True)
class SignerKey:
    """What signs. Secret: it shows itself in no printout, and `text` belongs into a file or a secret store only."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self._private().public_key().public_bytes_raw())

    @property
    def text(self) -> str:
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{encoded(_ED25519 + self.seed)}"

    def sign(self, message: bytes) -> bytes:
        return self._private().sign(message)

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @classmethod
    def parse(cls, text: str) -> SignerKey:
        """Raises `Refused` (`bad_key`), whose text never repeats what was given."""
        if not text.startswith(_PRIVATE):
            raise Refused("bad_key", f"A signing key begins with {_PRIVATE}; `holdfast audit keys new` makes one.")
        name, key_id, seed = _parts(text.removeprefix(_PRIVATE), "signing key")
        key = cls(name, seed)
        if key.verifier.id.hex() != key_id:
            raise Refused("bad_key", "The signing key's id does not fit its name and its key: a part was mistyped.")
        return key


def signer_keys(text: str) -> tuple[SignerKey, ...]:
    """Several keys, one a line or with commas between them; lines that begin with # are remarks. Raises `Refused`."""
    return tuple(map(SignerKey.parse, _listed(text)))


def verifier_keys(text: str) -> tuple[VerifierKey, ...]:
    """Several keys, written as `signer_keys` reads them. Raises `Refused` (`bad_key`)."""
    return tuple(map(VerifierKey.parse, _listed(text)))


def is_name(name: str) -> bool:
    return bool(name) and "+" not in name and name.isprintable() and not any(map(str.isspace, name))


def check_name(name: str) -> None:
    """A key's name has no space and no plus in it. Raises `Refused` (`bad_key`)."""
    if not is_name(name):
        raise Refused(
            "bad_key", "A key's name is printable text without spaces and without +, like example.com/book-1."
        )


def _listed(text: str) -> Iterable[str]:
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return (key.strip() for line in lines for key in line.split(",") if key.strip())


def _parts(text: str, what: str) -> tuple[str, str, bytes]:
    name, plus, rest = text.partition("+")
    key_id, second, material = rest.partition("+")
    if not (plus and second):
        raise Refused("bad_key", f"A {what} is a name, an id and a key with + between them.")
    check_name(name)
    try:
        key = decoded(material, f"The last part of the {what}")
    except Refused as error:
        raise Refused("bad_key", error.text) from None
    if key[:1] != _ED25519 or len(key) != 1 + KEY_BYTES:
        raise Refused("bad_key", f"The {what} is not an Ed25519 key.")
    return name, key_id, key[1:]
