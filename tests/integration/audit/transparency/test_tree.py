"""The tree follows the feed: every root is that of the events, and rebuild equals live."""

from __future__ import annotations

from hashlib import sha256

import pytest

from libs.eventstore.ledger import Ledger
from libs.ledger.errors import Corrupt
from libs.transparency.merkle import node_hash, root
from services.audit.proofs.replay import replay
from services.audit.transparency import tree
from services.audit.transparency.tree import Tree
from tests.integration.audit.transparency.book import (
    Book,
    code_of,
    leaf_hashes,
)


async def test_the_tree_has_the_root_of_all_events_however_they_came(book: Book, ledger: Ledger) -> None:
    kept = Tree(ledger)
    assert await kept.size() == 0
    size = 0
    for more in (1, 2, 252, 1, 1, 600, 300):
        await book.grow(more)
        size += more
        assert await kept.size() == size
        leaves = await leaf_hashes(ledger)
        assert await kept.path([(0, size), (size - 1, size)]) == [root(leaves), leaves[-1]]
    assert await ledger.pool.fetchval("select count(*) from tree_nodes") == size // 256


async def test_higher_levels_serve_larger_trees(ledger: Ledger) -> None:
    """65,792 events would take half a minute to append, so only the nodes that they leave behind are planted."""
    hashes = [sha256(bytes([number % 256, number // 256])).digest() for number in range(257)]
    wide = root(hashes[:256])
    await ledger.pool.executemany(
        "insert into tree_nodes (book, level, number, hash) values (1, $1, $2, $3)",
        [(8, number, digest) for number, digest in enumerate(hashes)] + [(16, 0, wide)],
    )
    found = await Tree(ledger).path([(0, 65_536), (0, 65_792), (32_768, 65_536), (65_536, 65_792)])
    assert found == [wide, node_hash(wide, hashes[256]), root(hashes[128:256]), hashes[256]]


async def test_the_tree_equals_its_rebuild_and_a_changed_one_does_not(book: Book, ledger: Ledger) -> None:
    await book.grow(700, 31)
    models = [("audit", tree.projection())]
    found = await replay(ledger, models)
    assert found.equal
    assert [(each.name, each.rows) for each in found.comparisons[1:]] == [
        ("audit.tree_edges", 1),
        ("audit.tree_nodes", 2),
    ]
    await ledger.pool.execute("update tree_nodes set hash = sha256('') where number = 1")
    assert not (await replay(ledger, models)).equal


async def test_a_tree_that_missed_an_event_refuses_to_grow(book: Book, ledger: Ledger) -> None:
    await book.grow(3)
    await ledger.pool.execute("update checkpoints set position = 2 where name = 'tree'")
    with pytest.raises(Corrupt, match="3 events, the log goes on at 3"):
        await book.grow(1)


async def test_a_tree_with_a_hole_says_so(book: Book, ledger: Ledger) -> None:
    await book.grow(600)
    await ledger.pool.execute("delete from tree_nodes where number = 0")
    assert await code_of(lambda: Tree(ledger).path([(0, 512)])) == "tree_incomplete"
