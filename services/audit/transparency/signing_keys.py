"""The keys that sign heads, from the environment or a file; never from the database."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from libs.runtime.config import Config, Misconfigured
from libs.transparency.errors import Refused
from libs.transparency.keys import SignerKey, signer_keys

KEY_VARIABLE: Final = "HOLDFAST_AUDIT_SIGNING_KEY"
FILE_VARIABLE: Final = "HOLDFAST_AUDIT_SIGNING_KEY_FILE"
_BOOK_SUFFIX: Final = "/book-{book}"


def log_name(name: str, book: int) -> str:
    """What the world calls a book's log: the ledger's name and the book. Its keys and its heads carry that name."""
    return name + _BOOK_SUFFIX.format(book=book)


def signing_keys(config: Config) -> tuple[SignerKey, ...]:
    """The keys of this book's log, none where neither variable is set. Raises `Misconfigured`, which shows no key.

    Several keys have one name: all of them sign, so that outsiders who know only the one that goes carry on.
    """
    given = config.audit_signing_key.get_secret_value() if config.audit_signing_key else ""
    path = config.audit_signing_key_file
    if given and path is not None:
        raise Misconfigured(f"Set {KEY_VARIABLE} or {FILE_VARIABLE}, not both.")
    if not given and path is None:
        return ()
    variable = KEY_VARIABLE if path is None else FILE_VARIABLE
    try:
        keys = signer_keys(given if path is None else private_text(path))
    except Refused as error:
        raise Misconfigured(f"{variable} does not hold signing keys. {error.text}", variable=variable) from None
    _check(keys, config.book, variable)
    return keys


def private_text(path: Path) -> str:
    """What is in a file that its owner alone may read. Raises `Misconfigured` (`key_exposed` where others may)."""
    try:
        with path.open(encoding="utf-8") as file:  # the mode is asked of what was opened, not of a name
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise Misconfigured(
                    f"{path} may be read by others than its owner (mode {mode:04o}); run chmod 600 on it, and take a "
                    "new key if somebody may have read this one.",
                    code="key_exposed",
                )
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Misconfigured(f"The file of signing keys, {path}, cannot be read ({reason}).") from None


def _check(keys: tuple[SignerKey, ...], book: int, variable: str) -> None:
    if not keys:
        raise Misconfigured(f"{variable} holds no key; make one with `holdfast audit keys new`.", variable=variable)
    names = {key.name for key in keys}
    if len(names) > 1:
        raise Misconfigured(
            f"{variable} holds keys of several logs ({', '.join(sorted(names))}); "
            "a key that replaces another has its name.",
            variable=variable,
        )
    [name] = names
    # One key for two books would sign two trees under one name, which is what outsiders call a fork.
    if not name.endswith(_BOOK_SUFFIX.format(book=book)):
        raise Misconfigured(
            f"{variable} holds a key of {name}, but book {book} is signed with a key whose name ends in "
            f"{_BOOK_SUFFIX.format(book=book)}.",
            variable=variable,
        )
    if len({key.verifier.id for key in keys}) < len(keys):
        raise Misconfigured(f"{variable} holds one key twice.", variable=variable)
