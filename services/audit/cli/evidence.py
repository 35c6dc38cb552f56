"""What somebody outside holds in their hands: files and keys given on the command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from libs.ledger.errors import Rejected
from libs.transparency.errors import Refused
from libs.transparency.keys import VerifierKey, verifier_keys

Keys = Annotated[
    list[str],
    typer.Option("--key", help="The log's verifier key, or a file of such keys. Keep it from a source that you trust."),
]


def given_keys(given: Sequence[str]) -> list[VerifierKey]:
    """Raises `Rejected` (`bad_key`, `unreadable`)."""
    with refusals():
        keys = [key for each in given for key in verifier_keys(_text_or_file(each))]
    if not keys:
        raise Rejected("None of what you gave as --key holds a key.", code="bad_key")
    return keys


def given_text(path: Path) -> str:
    """A file to the letter: line ends are not translated, they are part of what was signed. Raises `Rejected`."""
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise Rejected(f"{path} is not text in UTF-8.", code="bad_form") from None
    except OSError as error:
        raise Rejected(f"{path} cannot be read: {error.strerror}.", code="unreadable") from None


@contextmanager
def refusals() -> Iterator[None]:
    """What the offline library refuses, as an error of the command line's."""
    try:
        yield
    except Refused as error:
        raise Rejected(error.text, code=error.code) from error


def _text_or_file(given: str) -> str:
    return given if given.count("+") >= 2 and not Path(given).is_file() else given_text(Path(given))  # noqa: PLR2004 - the pluses of a key
