"""A small log made in memory, its heads, and proofs from it."""

from __future__ import annotations

from collections.abc import Sequence

from libs.transparency.checkpoint import Checkpoint
from libs.transparency.entry import Entry
from libs.transparency.keys import SignerKey
from libs.transparency.merkle import consistency_ranges, inclusion_ranges, leaf_hash, path, root
from libs.transparency.note import Note, signed
from libs.transparency.proof import Consistency, Inclusion

OLD_KEY = SignerKey("example.com/book-1", bytes(32))
NEW_KEY = SignerKey("example.com/book-1", bytes(range(32)))


def entry(position: int, *, data: str = '{"note": "é"}', actor: str = "test") -> Entry:
    return Entry(
        book=1,
        position=position,
        stream="payment-6f1e",
        version=position,
        type="PaymentCaptured",
        schema_version=1,
        recorded_at_microseconds=1_793_620_800_000_000 + position,
        effective_at_microseconds=-5,
        correlation_id="order-1",
        causation_id=None,
        actor=actor,
        reason="",
        postings=(("stripe:platform", "ETH@1", 10**30), ("funds:unallocated", "ETH@1", -(10**30))),
        data=data,
    )


class Log:
    """Events from position 1, and what a service would hand out about them."""

    def __init__(self, entries: Sequence[Entry], keys: Sequence[SignerKey] = (OLD_KEY,)) -> None:
        self.entries = entries
        self.keys = keys
        self._leaves = [leaf_hash(each.encoded()) for each in entries]

    def head(self, size: int) -> Note:
        return signed(Checkpoint(OLD_KEY.name, size, root(self._leaves[:size])).text, self.keys)

    def inclusion(self, position: int, size: int) -> Inclusion:
        proof = path(self._leaves, inclusion_ranges(position - 1, size))
        return Inclusion(self.entries[position - 1], tuple(proof), self.head(size))

    def consistency(self, old: int, new: int) -> Consistency:
        proof = path(self._leaves, consistency_ranges(old, new))
        return Consistency(tuple(proof), self.head(old), self.head(new))


def log(size: int = 11, *, changed: int | None = None, keys: Sequence[SignerKey] = (OLD_KEY,)) -> Log:
    """A log of so many events, one of which may be another than in all others."""
    return Log([entry(n, actor="forger" if n == changed else "test") for n in range(1, size + 1)], keys)
