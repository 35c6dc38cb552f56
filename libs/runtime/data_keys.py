"""The master keys of personal data, from the environment. They wrap the subjects' keys and never reach the database."""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from typing import Final

from libs.eventstore.sealing import KEY_BYTES
from libs.runtime.config import Config, Misconfigured

VARIABLE: Final = "HOLDFAST_DATA_KEY"
_MAKE_ONE: Final = "`holdfast data-key new` makes a key"


def new_data_key() -> str:
    """A fresh key as the environment takes it: 32 random bytes in base64."""
    return b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def data_keys(config: Config) -> tuple[bytes, ...]:
    """The keys of HOLDFAST_DATA_KEY, separated by commas, or of HOLDFAST_DATA_KEY_FILE, one a line.

    The first wraps, all unwrap, which is how one follows another. Raises `Misconfigured` where there is none, or one
    that is no key; the text never shows it.
    """
    keys = tuple(map(_key, _written(config)))
    if not keys:
        raise Misconfigured(
            f"Set {VARIABLE}, or {VARIABLE}_FILE to a file that holds it: personal texts are stored encrypted. "
            f"{_MAKE_ONE}; keep a copy, without it they are lost.",
            variable=VARIABLE,
        )
    return keys


def _written(config: Config) -> list[str]:
    if config.data_key is not None:
        text = config.data_key.get_secret_value()
    elif config.data_key_file is not None:
        try:
            text = config.data_key_file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise Misconfigured(
                f"{VARIABLE}_FILE names {config.data_key_file}, which cannot be read ({type(error).__name__}).",
                variable=f"{VARIABLE}_FILE",
            ) from None
    else:
        text = ""
    return text.replace(",", " ").split()


def _key(written: str) -> bytes:
    try:
        key = b64decode(written, validate=True)
    except (NotBase64, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise Misconfigured(
            f"{VARIABLE} takes {KEY_BYTES} bytes in base64, several of them separated by commas. {_MAKE_ONE}.",
            variable=VARIABLE,
        )
    return key
