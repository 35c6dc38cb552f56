"""The hashes that make history tamper-evident: one leaf an event, one block a batch.

A leaf covers every stored field of its event but two, which its block covers: the position (first position and order of
the leaves) and `recorded_at` (the block's `sealed_at`). Fields are length-prefixed, so none can lend bytes to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from struct import Struct, pack
from typing import Final

from libs.eventstore.model import Meta, NewEvent, Recorded

GENESIS: Final = bytes(32)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ABSENT: Final = -1  # as a length: an absent field differs from an empty one
_BLOCK_FIELDS: Final = Struct(">5q").pack


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC, PostgreSQL's resolution, exact."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(microseconds: int) -> datetime:
    """The reverse of `microseconds`."""
    return _EPOCH + microseconds * _MICROSECOND


def _leaf(
    book: int,
    stream: str,
    version: int,
    event: NewEvent | Recorded,
    meta: Meta | Recorded,
    postings: Sequence[tuple[str, str, int]],
) -> bytes:
    """Hash the number of fields, the length of each in bytes (big-endian 32-bit integers), then all fields in UTF-8."""
    fields = [
        str(book),
        stream,
        str(version),
        event.type,
        str(event.schema_version),
        str(microseconds(event.effective_at)),
        meta.correlation_id or "",
        meta.causation_id or "",
        meta.actor,
        meta.reason or "",
        str(len(postings)),
    ]
    for account, currency, amount in postings:
        fields += (account, currency, str(amount))
    fields.append(event.data)
    text = "".join(fields)
    # Nearly always ASCII; one encoding then serves all.
    lengths = [*map(len, fields)] if text.isascii() else [len(field.encode()) for field in fields]
    if meta.correlation_id is None:
        lengths[6] = _ABSENT
    if meta.causation_id is None:
        lengths[7] = _ABSENT
    if meta.reason is None:
        lengths[9] = _ABSENT
    return sha256(pack(f">{len(fields) + 1}i", len(fields), *lengths) + text.encode()).digest()


def leaf_of_new(book: int, stream: str, version: int, event: NewEvent, meta: Meta) -> bytes:
    """The leaf of an event about to be stored (32 bytes)."""
    return _leaf(book, stream, version, event, meta, event.postings)


def leaf_of_recorded(event: Recorded) -> bytes:
    """The leaf that a stored event must have."""
    return _leaf(event.book, event.stream, event.version, event, event, event.postings)


def block_hash(
    previous: bytes, *, book: int, block: int, first_position: int, sealed_at: datetime, leaves: Sequence[bytes]
) -> bytes:
    """The hash that chains a block to the one before it; `ledger.append` computes the same in SQL."""
    fields = _BLOCK_FIELDS(book, block, first_position, len(leaves), microseconds(sealed_at))
    return sha256(previous + fields + sha256(b"".join(leaves)).digest()).digest()
