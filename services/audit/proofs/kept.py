"""What a verification found, kept in a file: the next one goes on from there, and notices a history rewritten since.

Kept where whoever owns the database cannot write, it is the checkpoint without which a tail that was rewritten with all
its hashes looks like any other.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from libs.eventstore.leaves import GENESIS
from libs.ledger.errors import Rejected
from services.audit.proofs.book import Balances

FORMAT: Final = "holdfast verification 1"


class Mark(NamedTuple):
    """The end of a block, and its hash."""

    position: int
    block: int
    head: bytes


BEGINNING: Final = Mark(0, 0, GENESIS)


class Keys(NamedTuple):
    """The idempotency keys of all events up to a position: how many, and a hash of them all."""

    position: int
    number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """A book holds up to its last mark; those before it tell where a rewriting began.

    `sealed_at`, `closed_before` and `balances` are what the events up to there come to; `keys` may lag behind.
    """

    book: int
    marks: Sequence[Mark]
    sealed_at: datetime | None
    closed_before: datetime | None
    balances: Balances
    keys: Keys | None

    @property
    def end(self) -> Mark:
        return self.marks[-1] if self.marks else BEGINNING

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all: an interruption leaves the one before."""
        fields = {
            "format": FORMAT,
            "book": self.book,
            "marks": [[mark.position, mark.block, mark.head.hex()] for mark in self.marks],
            "sealed_at": self.sealed_at and self.sealed_at.isoformat(),
            "closed_before": self.closed_before and self.closed_before.isoformat(),
            "balances": [[*key, str(amount)] for key, amount in sorted(self.balances.items()) if amount],
            "keys": self.keys and [self.keys.position, self.keys.number, self.keys.digest.hex()],
        }
        partial = path.with_name(path.name + ".partial")
        with partial.open("w") as file:
            json.dump(fields | {"sha256": _checksum(fields)}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)


def load(path: Path, book: int) -> Kept | None:
    """What was kept in a file, None where there is no such file yet.

    Raises `Rejected`: `state_damaged`, `state_of_another_book`.
    """
    try:
        fields = json.loads(path.read_text())
        whole = fields.pop("sha256") == _checksum(fields) and fields["format"] == FORMAT
        kept = _kept(fields)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError):
        whole = False
    if not whole:
        raise Rejected(
            f"{path} is not what a verification wrote; restore it from a copy, or name another file to begin anew.",
            code="state_damaged",
        )
    if kept.book != book:
        raise Rejected(
            f"{path} was kept of book {kept.book}, not of book {book}; name the file of this book.",
            code="state_of_another_book",
        )
    return kept


def _kept(fields: Mapping[str, Any]) -> Kept:
    return Kept(
        book=fields["book"],
        marks=[Mark(position, block, bytes.fromhex(head)) for position, block, head in fields["marks"]],
        sealed_at=_moment(fields["sealed_at"]),
        closed_before=_moment(fields["closed_before"]),
        balances={(account, currency): int(amount) for account, currency, amount in fields["balances"]},
        keys=_keys(*fields["keys"]) if fields["keys"] else None,
    )


def _keys(position: int, number: int, digest: str) -> Keys:
    return Keys(position, number, bytes.fromhex(digest))


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _checksum(fields: Mapping[str, Any]) -> str:
    """Against damage, not against forgery: that is what the place where the file is kept is for."""
    return sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
