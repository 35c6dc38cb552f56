"""What the store refuses, and in which words: before it reaches the database, and after the database has refused it."""

from __future__ import annotations

import re
from typing import Final

import asyncpg

from libs.eventstore.model import Refused, Unit
from libs.ledger import journal
from libs.ledger.errors import HoldfastError, NotFound, Rejected

_STREAM: Final = re.compile(r"[a-z][a-z_]*-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_CODES: Final = {
    "HF001": "unbalanced",
    "HF002": "unknown_account",
    "42501": "forbidden",
    "22P02": "bad_data",  # no JSON
    "22P05": "bad_data",
    "54001": "bad_data",  # JSON nested too deep
    "22003": "bad_amount",
    "22008": "bad_time",
}
_BLAMES: Final = {*_CODES, "23514", "HF004"}  # an overdraft; an order inside the batch that only smaller ones can tell
_SCHEMA_VERSIONS: Final = range(1, 2**15)
_UNKNOWN_BOOK: Final = "HF003"


def check(unit: Unit) -> None:
    """Raise `Rejected` for a unit that no store may take, whatever else happens.

    Codes: `empty_unit`, `bad_stream`, `bad_time`, `bad_version`, and those of `journal.check` (`unbalanced`,
    `bad_amount`, `unknown_account`, `unknown_currency`).
    """
    if not unit.changes:
        raise Rejected("A unit needs at least one event.", code="empty_unit")
    for change in unit.changes:
        if not change.events:
            raise Rejected(f"Nothing happens in {change.stream}, yet the unit names it.", code="empty_unit")
        if not _STREAM(change.stream):
            raise Rejected(f"{change.stream!r} is not a stream; one is named kind-uuid.", code="bad_stream")
        for event in change.events:
            if event.effective_at.tzinfo is None:
                raise Rejected(f"{event.effective_at} has no time zone; say which moment is meant.", code="bad_time")
            if event.schema_version not in _SCHEMA_VERSIONS:
                raise Rejected(f"{event.schema_version} is no schema version; they count from 1.", code="bad_version")
            if event.postings:
                journal.check(event.postings)


def refused(unit: Unit) -> Refused | None:
    """The outcome of a unit that `check` rejects, None for a sound one."""
    try:
        check(unit)
    except Rejected as error:
        return Refused(error.code, error.text)
    return None


def blames_a_unit(error: Exception) -> bool:
    """Whether smaller batches would tell which unit is refused."""
    return isinstance(error, Rejected | UnicodeEncodeError) or getattr(error, "sqlstate", None) in _BLAMES


def in_words(error: Exception) -> HoldfastError | None:
    """A database's refusal as one of ours; None for one that only a fault in our code can bring about."""
    if isinstance(error, HoldfastError):
        return error
    if isinstance(error, UnicodeEncodeError):
        return Rejected("A text holds half of a surrogate pair, which is no character.", code="bad_text")
    state = getattr(error, "sqlstate", None)
    if state == _UNKNOWN_BOOK:
        return NotFound(
            f"The ledger refuses this: {error.args[0]}. Create it with `holdfast migrate`.", code="unknown_book"
        )
    if state in _CODES and isinstance(error, asyncpg.PostgresError):
        return Rejected(f"The ledger refuses this: {error.args[0]}.", code=_CODES[state])
    return None
