"""Base64 with one spelling for each value: a byte that changes nothing is still a changed byte."""

from __future__ import annotations

import base64
import binascii

from libs.transparency.errors import Refused


def encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


def decoded(text: str, what: str) -> bytes:
    """Raises `Refused` (`bad_form`); `what` names the value without showing it, since it may be a secret."""
    try:
        value = base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        value = b""
    if not value or encoded(value) != text:
        raise Refused("bad_form", f"{what} is not base64 as RFC 4648 writes it.")
    return value


def number(text: str, what: str) -> int:
    """A decimal without leading zeroes. Raises `Refused` (`bad_form`)."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and str(int(text)) == text):  # noqa: PLR2004 - the digits of 2**63
        raise Refused("bad_form", f"{what} is not a plain decimal number.")
    return int(text)
