"""Mappings made at run time from the SDK's types, closed to whatever those do not declare."""

from typing import Any

from pydantic import ConfigDict
from typing_extensions import TypedDict

_make: Any = TypedDict  # type checkers know only the form that is written down in a module


def closed_mapping(name: str, fields: dict[str, Any], *, strict: bool) -> Any:
    """A TypedDict type for pydantic; `strict` refuses text in place of numbers and the like."""
    made = _make(name, fields)
    made.__pydantic_config__ = ConfigDict(extra="forbid", strict=strict, title=name)
    return made
