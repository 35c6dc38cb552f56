"""Destroying the keys of a subject, and giving all others a new master key. For the owner, or `holdfast_forgetter`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from libs.eventstore import sealing
from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Appended, Change, Duplicate, Key, Meta, NewEvent, Unit, stream_name
from libs.eventstore.pool import availability
from libs.eventstore.vault import SQL
from libs.ledger.errors import Conflict, Unavailable

KIND: Final = "personal"
PAGE_KEYS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Known:
    """A subject that has a key, or had one until `destroyed_at`."""

    subject: str
    created_at: datetime
    destroyed_at: datetime | None


async def known(ledger: Ledger, subjects: Sequence[str]) -> list[Known]:
    """What is known of these subjects, by name. Raises `Unavailable`."""
    with availability():
        return [Known(*row) for row in await ledger.pool.fetch(SQL.known, ledger.store.book, list(subjects))]


async def forget(ledger: Ledger, subject: str, also: Sequence[str], at: datetime) -> int:
    """Destroy the keys of a subject and of those that go with it (their orders); how many keys there were.

    Subjects without a key are closed to new ones. First a `SubjectForgotten` says so in the log, in a stream whose id
    comes from the subject's: who asks about somebody finds it, and it names nobody. Killed in between, the next call
    goes on. Raises `Unavailable`, `Rejected` (`forbidden`), `Conflict`.
    """
    subjects = [subject, *also]
    rows = {each.subject: each for each in await known(ledger, subjects)}
    open_ones = [each for each in subjects if each not in rows or rows[each].destroyed_at is None]
    if not open_ones:
        return 0
    await _tell(ledger, subject, [(each, rows.get(each)) for each in open_ones], at)
    with availability():
        count: int = await ledger.pool.fetchval(SQL.forget, ledger.store.book, open_ones)
    return count


def trace_id(book: int, subject: str) -> UUID:
    """The stream (kind `personal`) in which the forgettings of a subject stand."""
    return uuid5(NAMESPACE_OID, f"holdfast/personal/{book}/{subject}")


async def _tell(ledger: Ledger, subject: str, closing: Sequence[tuple[str, Known | None]], at: datetime) -> None:
    stream = stream_name(KIND, trace_id(ledger.store.book, subject))
    version = len((await ledger.store.load(stream))[stream])
    event = NewEvent("SubjectForgotten", json.dumps({"keys": sum(key is not None for _, key in closing)}), at)
    # The same keys are the same request: whoever was killed before destroying them tells it once.
    keys = [(name, key and key.created_at.isoformat()) for name, key in closing]
    content = sha256(json.dumps(keys).encode()).digest()
    unit = Unit([Change(stream, version, [event])], Meta("forget"), Key(f"{stream}:{content.hex()}", content))
    if not isinstance(await ledger.writer.append(unit), Appended | Duplicate):
        raise Conflict("Somebody else is forgetting the same subject; run it again.")


async def rewrap(ledger: Ledger, masters: Sequence[bytes], progress: Callable[[int, int], None]) -> tuple[int, int]:
    """Wrap every subject's key with the first master key; how many were wrapped anew, of how many.

    `progress` is told both after each page. Safe while services run, and to break off and begin again. Raises
    `Unavailable`, with `wrong_data_key` for a key that no master key opens.
    """
    done = total = 0
    after = ""
    with availability():
        while rows := await ledger.pool.fetch(SQL.page, ledger.store.book, after, PAGE_KEYS):
            new = [
                (subject, box, _rewrapped(box, masters, ledger.store.book, subject))
                for subject, box in rows
                if sealing.unwrapped(box, masters[:1], ledger.store.book, subject) is None
            ]
            if new:
                await ledger.pool.execute(SQL.rewrap, ledger.store.book, *map(list, zip(*new, strict=True)))
            done, total, after = done + len(new), total + len(rows), rows[-1]["subject"]
            progress(done, total)
    return done, total


def _rewrapped(box: bytes, masters: Sequence[bytes], book: int, subject: str) -> bytes:
    key = sealing.unwrapped(box, masters[1:], book, subject)
    if key is None:
        raise Unavailable(
            f"No data key opens the key of {subject!r}; add the one it was wrapped with to HOLDFAST_DATA_KEY.",
            code="wrong_data_key",
        )
    return sealing.wrapped(key, masters[0], book, subject, secrets.token_bytes)
