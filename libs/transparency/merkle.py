"""Merkle trees over logs, as RFC 6962 hashes them. Pure: entries go in as leaf hashes, 32 bytes each.

Every hash of a path is that of a range of entries, so a path is asked for in two steps: which ranges (here), and what
their hashes are (here for a list, in a database for a tree that is kept there).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()

Range = tuple[int, int]
"""Entries from the first number up to, but not with, the second."""


class Node(NamedTuple):
    """The root of a complete subtree: that of entries `number * 2**level` up to `(number + 1) * 2**level`."""

    level: int
    number: int
    hash: bytes


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The right edge of a growing tree: the roots of its complete subtrees, one for each binary digit 1 of its size.

    All that is needed to go on growing it and to know its root, in at most 64 hashes.
    """

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self._hashes = list(hashes)
        if len(self._hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} entries has {size.bit_count()} complete subtrees")

    @property
    def hashes(self) -> Sequence[bytes]:
        """From left to right, so from the largest subtree to the smallest."""
        return self._hashes

    def extend(self, leaf_hashes: Iterable[bytes], *, stride: int = 1) -> list[Node]:
        """Add entries; the nodes that this completed, of every `stride`-th level above the leaves."""
        completed: list[Node] = []
        stack = self._hashes
        for hashed in leaf_hashes:
            number, level, digest = self.size, 0, hashed
            self.size += 1
            while number & 1:
                digest = sha256(b"\x01" + stack.pop() + digest).digest()  # `node_hash` written out: the hot loop
                number >>= 1
                level += 1
                if level % stride == 0:
                    completed.append(Node(level, number, digest))
            stack.append(digest)
        return completed

    def root(self) -> bytes:
        return fold(self._hashes)


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees that stand side by side, larger ones on the left."""
    if not hashes:
        return EMPTY_ROOT
    *others, result = hashes
    for left in reversed(others):
        result = node_hash(left, result)
    return result


def subtrees(span: Range) -> Iterator[tuple[int, int]]:
    """The complete subtrees (level, number) that make up a range of a path, in the order in which `fold` takes them."""
    begin, end = span
    for level in reversed(range((end - begin).bit_length())):
        if (end - begin) >> level & 1:
            yield level, begin >> level
            begin += 1 << level


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1."""
    edge = CompactRange()
    edge.extend(leaf_hashes)
    return edge.root()


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Whose hashes prove that entry `index` (from 0) is in the tree of `size` entries (RFC 6962, section 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} entries has no entry {index}")
    begin, end = 0, size
    ranges: list[Range] = []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """Whose hashes prove that the tree of `old` entries begins the tree of `new` ones (RFC 6962, section 2.1.2).

    None are needed where either tree is empty or both are the same.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} entries does not begin a tree of {new}")
    if old == 0:
        return []
    begin, end = 0, new
    ranges: list[Range] = []
    while end != old:
        middle = begin + _split(end - begin)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    if begin:  # else the old tree is a complete subtree, whose hash the verifier has
        ranges.append((begin, end))
    return ranges[::-1]


def path(leaf_hashes: Sequence[bytes], ranges: Iterable[Range]) -> list[bytes]:
    """The hashes of a path over a tree that is held as a list."""
    return [root(leaf_hashes[begin:end]) for begin, end in ranges]


def verify_inclusion(hashed: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Does the path lead from a leaf hash at `index` to the root of the tree of `size`? RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    node, last, result = index, size - 1, hashed
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and result == expected


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Does the tree of `old` entries begin the tree of `new` ones? RFC 9162, section 2.1.4.2, and the trivial cases."""
    if old == new:
        return not proof and old_root == new_root
    if not 0 <= old < new:
        return False
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    hashes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not hashes:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _split(width: int) -> int:
    """The largest power of two that is smaller than the width."""
    return 1 << (width - 1).bit_length() - 1
