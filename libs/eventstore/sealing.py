"""The cryptography of personal data: texts sealed with the keys of their subjects, keys wrapped to be stored.

AES-256-GCM (NIST SP 800-38D) throughout, with random nonces of 96 bits. A text's own key is derived with HKDF
(RFC 5869) from the keys of all its subjects, so that it opens only while none of them is forgotten.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from libs.ledger.personal import FreeText

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VERSION: Final = "1."
_INFO: Final = b"holdfast free text 1"

RandomBytes = Callable[[int], bytes]


class Place(NamedTuple):
    """Where a text stands. Its ciphertext opens there and nowhere else."""

    book: int
    stream: str
    version: int
    type: str
    path: str


def sealed(text: FreeText, place: Place, keys: Sequence[bytes], random_bytes: RandomBytes) -> FreeText:
    """A plain text with its ciphertext instead; `keys` are those of its subjects, in their order."""
    nonce = random_bytes(_NONCE_BYTES)
    box = AESGCM(_text_key(keys)).encrypt(nonce, text.text.encode(), _bound_to(place, text))
    return replace(text, text=_VERSION + b64encode(nonce + box).decode(), state="sealed")


def opened(text: FreeText, place: Place, keys: Sequence[bytes]) -> FreeText:
    """A sealed text in plain; `unreadable` where it was changed, or taken here from another place."""
    try:
        box = b64decode(text.text.removeprefix(_VERSION), validate=True)
        plain = AESGCM(_text_key(keys)).decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], _bound_to(place, text))
        return replace(text, text=plain.decode(), state="plain")
    except (InvalidTag, NotBase64, ValueError):
        return replace(text, text="", state="unreadable")


def wrapped(key: bytes, master: bytes, book: int, subject: str, random_bytes: RandomBytes) -> bytes:
    """A subject's key as it may be stored: nonce, ciphertext and tag, 60 bytes."""
    nonce = random_bytes(_NONCE_BYTES)
    return nonce + AESGCM(master).encrypt(nonce, key, _joined(book, subject))


def unwrapped(box: bytes, masters: Sequence[bytes], book: int, subject: str) -> bytes | None:
    """The subject's key, with the first master key that fits; None where none does."""
    for master in masters:
        try:
            return AESGCM(master).decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], _joined(book, subject))
        except InvalidTag:
            continue
    return None


def _text_key(keys: Sequence[bytes]) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=_INFO).derive(b"".join(keys))


def _bound_to(place: Place, text: FreeText) -> bytes:
    return _joined(*place, *text.subjects)


def _joined(*parts: object) -> bytes:
    return json.dumps(parts).encode()  # quoted: none can lend characters to the next
