"""RFC 6962 as others published and implemented it: known answers, and a second tree beside ours."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, InvalidProof  # type: ignore[import-untyped]  # it has no types

from libs.transparency.merkle import (
    EMPTY_ROOT,
    CompactRange,
    Node,
    consistency_ranges,
    fold,
    inclusion_ranges,
    leaf_hash,
    path,
    root,
    subtrees,
    verify_consistency,
    verify_inclusion,
)

# The eight inputs of the Certificate Transparency project's Merkle tree tests, with their roots and paths.
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
LEAVES = [leaf_hash(entry) for entry in INPUTS]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert root(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_paths_are_the_published_ones(index: int, size: int) -> None:
    made = path(LEAVES, inclusion_ranges(index, size))
    assert [each.hex() for each in made] == INCLUSION[index, size]
    assert verify_inclusion(LEAVES[index], index, size, made, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_paths_are_the_published_ones(old: int, new: int) -> None:
    made = path(LEAVES, consistency_ranges(old, new))
    assert [each.hex() for each in made] == CONSISTENCY[old, new]
    assert verify_consistency(old, new, made, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]))


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[bytes], int, int]:
    """Entries, and two sizes of the tree, the first at most the second."""
    entries = draw(st.lists(st.binary(max_size=40), min_size=1, max_size=70))
    new = draw(st.integers(1, len(entries)))
    return entries, draw(st.integers(1, new)), new


def _second(entries: list[bytes]) -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")  # with its default prefixes, 0 for leaves and 1 for nodes, it is RFC 6962
    tree.append_entries(entries)
    return tree


@given(trees())
def test_a_second_implementation_has_the_same_roots_and_inclusion_paths(
    given_tree: tuple[list[bytes], int, int],
) -> None:
    entries, position, size = given_tree
    leaves, other = [leaf_hash(entry) for entry in entries], _second(entries)
    assert root(leaves[:size]) == other.get_root(size)
    # Its paths begin with the leaf, which the RFC leaves out since the verifier has it.
    assert [leaves[position - 1], *path(leaves, inclusion_ranges(position - 1, size))] == other.prove_inclusion(
        position, size
    ).path


@given(trees())
def test_two_implementations_accept_each_others_inclusion(given_tree: tuple[list[bytes], int, int]) -> None:
    entries, position, size = given_tree
    leaves, other = [leaf_hash(entry) for entry in entries], _second(entries)
    theirs = other.prove_inclusion(position, size)
    assert verify_inclusion(leaves[position - 1], position - 1, size, theirs.path[1:], other.get_root(size))
    ours = path(leaves, inclusion_ranges(position - 1, size))
    theirs.path = [leaves[position - 1], *ours]
    theirs.verify(leaves[position - 1], root(leaves[:size]), index=position, size=size)


@given(trees(), st.booleans())
def test_two_implementations_agree_on_what_is_consistent(
    given_tree: tuple[list[bytes], int, int], forged: bool
) -> None:
    entries, old, new = given_tree
    before = [b"another", *entries[1:]] if forged and entries[0] != b"another" else entries
    leaves, other = [leaf_hash(entry) for entry in entries], _second(entries)
    consistent = before is entries
    # Its consistency paths are cut otherwise than the RFC's, so each proves with its own, on the other's roots.
    old_root = _second(before).get_root(old)
    assert verify_consistency(old, new, path(leaves, consistency_ranges(old, new)), old_root, other.get_root(new)) == (
        consistent
    )
    theirs = other.prove_consistency(old, new)
    with nullcontext() if consistent else pytest.raises(InvalidProof):
        theirs.verify(root([leaf_hash(entry) for entry in before[:old]]), root(leaves[:new]), old, new)


def _bent(proof: list[bytes], at: int, how: str) -> list[bytes]:
    """The path with one hash changed, taken out, put in or swapped with its neighbour."""
    at = at % (len(proof) or 1)
    return {
        "changed": [*proof[:at], bytes(32), *proof[at + 1 :]],
        "shortened": proof[:at] + proof[at + 1 :],
        "lengthened": [*proof[:at], bytes(32), *proof[at:]],
        "swapped": [*proof[:at], *reversed(proof[at : at + 2]), *proof[at + 2 :]],
    }[how]


HOW = st.sampled_from(["changed", "shortened", "lengthened", "swapped"])


@given(trees(), st.integers(0, 10), HOW)
def test_a_bent_path_proves_nothing(given_tree: tuple[list[bytes], int, int], at: int, how: str) -> None:
    entries, old, new = given_tree
    leaves = [leaf_hash(entry) for entry in entries]
    old_root, new_root = root(leaves[:old]), root(leaves[:new])
    inclusion = path(leaves, inclusion_ranges(old - 1, new))
    if (bent := _bent(inclusion, at, how)) != inclusion:
        assert not verify_inclusion(leaves[old - 1], old - 1, new, bent, new_root)
    consistency = path(leaves, consistency_ranges(old, new))
    if (bent := _bent(consistency, at, how)) != consistency:
        assert not verify_consistency(old, new, bent, old_root, new_root)


@given(trees(), st.integers(-3, 80))
def test_a_path_holds_for_its_own_place_and_size_alone(given_tree: tuple[list[bytes], int, int], other: int) -> None:
    entries, index, size = given_tree
    leaves = [leaf_hash(bytes([at]) + entry) for at, entry in enumerate(entries)]  # no two alike
    proof = path(leaves, inclusion_ranges(index - 1, size))
    expected = root(leaves[:size])
    if other != index - 1:
        assert not verify_inclusion(leaves[index - 1], other, size, proof, expected)
    consistency = path(leaves, consistency_ranges(index, size))
    if other not in {index, size}:
        assert not verify_consistency(other, size, consistency, root(leaves[:index]), expected)


@given(trees())
def test_histories_that_part_are_not_consistent(given_tree: tuple[list[bytes], int, int]) -> None:
    entries, old, new = given_tree
    leaves = [leaf_hash(entry) for entry in entries]
    forged = [leaf_hash(b"another"), *leaves[1:]]
    proof = path(forged, consistency_ranges(old, new))
    assert not verify_consistency(old, new, proof, root(leaves[:old]), root(forged[:new]))


def test_an_empty_tree_begins_every_tree() -> None:
    assert root([]) == EMPTY_ROOT
    assert consistency_ranges(0, 5) == []
    assert verify_consistency(0, 5, [], EMPTY_ROOT, bytes.fromhex(ROOTS[5]))
    assert not verify_consistency(0, 5, [], bytes(32), bytes.fromhex(ROOTS[5]))
    assert not verify_consistency(0, 5, [bytes(32)], EMPTY_ROOT, bytes.fromhex(ROOTS[5]))


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_what_is_not_in_a_tree_has_no_path(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no entry"):
        inclusion_ranges(index, size)
    assert not verify_inclusion(LEAVES[0], index, size, [], bytes.fromhex(ROOTS[1]))


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (4, 3)])
def test_a_tree_does_not_begin_a_smaller_one(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="does not begin"):
        consistency_ranges(old, new)
    assert not verify_consistency(old, new, [], bytes.fromhex(ROOTS[4]), bytes.fromhex(ROOTS[3]))


@given(st.lists(st.integers(0, 40), max_size=8), st.sampled_from([1, 2, 3]))
def test_growing_in_pieces_completes_every_node_once_and_comes_to_the_same_root(pieces: list[int], stride: int) -> None:
    leaves = [leaf_hash(number.to_bytes(4, "big")) for number in range(sum(pieces))]
    edge, nodes = CompactRange(), list[Node]()
    for piece in pieces:
        edge = CompactRange(edge.size, edge.hashes)  # as if read from where it is kept
        nodes += edge.extend(leaves[edge.size : edge.size + piece], stride=stride)
    assert edge.root() == root(leaves)
    expected = {
        (level, number): root(leaves[number << level : (number + 1) << level])
        for level in range(stride, len(leaves).bit_length(), stride)
        for number in range(len(leaves) >> level)
    }
    assert {(level, number): digest for level, number, digest in nodes} == expected
    assert len(nodes) == len(expected)


@given(trees())
def test_every_range_of_a_path_is_the_fold_of_its_complete_subtrees(given_tree: tuple[list[bytes], int, int]) -> None:
    entries, old, new = given_tree
    leaves = [leaf_hash(entry) for entry in entries]
    for begin, end in inclusion_ranges(old - 1, new) + consistency_ranges(old, new):
        hashes = [root(leaves[number << level : (number + 1) << level]) for level, number in subtrees((begin, end))]
        assert fold(hashes) == root(leaves[begin:end])


def test_an_edge_must_fit_its_size() -> None:
    with pytest.raises(ValueError, match="2 complete subtrees"):
        CompactRange(5, LEAVES[:1])
