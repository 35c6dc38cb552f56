"""Reports as JSON: one rule for times, amounts and everything else, so that all of them read alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final

EXACT_INTEGER_MAX: Final = 2**53 - 1
"""The largest integer that JSON carries to every reader unharmed (RFC 8259, section 6)."""


def plain(value: Any) -> Any:
    """A report, or a part of one, as what JSON can hold.

    Amounts stay integers in minor units; one beyond `EXACT_INTEGER_MAX` (wei soon are) becomes a string of its digits,
    because JavaScript and others would round it without a word. Times are ISO 8601 with their offset, bytes are hex.
    """
    match value:
        case Mapping():
            return {name: plain(each) for name, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case _ if is_dataclass(value):
            return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
        case _:
            return _scalar(value)


def _scalar(value: Any) -> str | int | float | bool | None:
    match value:
        case bool() | str() | float() | None:
            return value
        case int():
            return value if abs(value) <= EXACT_INTEGER_MAX else str(value)
        case datetime():
            return value.isoformat()
        case bytes():
            return value.hex()
    raise TypeError(f"{type(value).__name__} has no place in a report.")
