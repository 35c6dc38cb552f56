"""Proofs made from a real book convince somebody who has nothing but a key."""

from __future__ import annotations

from itertools import pairwise

import asyncpg
import pytest

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.projector import Projector
from libs.eventstore.store import recorded
from libs.ledger.errors import NotFound
from libs.transparency.check import check
from libs.transparency.checkpoint import Checkpoint
from libs.transparency.errors import Refused
from libs.transparency.keys import SignerKey
from libs.transparency.note import signed
from services.audit.transparency.check_book import check_book
from services.audit.transparency.heads import Head, Heads, Signer
from services.audit.transparency.proving import Prover
from services.audit.transparency.tree import Tree
from tests.integration.audit.forgery import forge
from tests.integration.audit.transparency.book import (
    KEY,
    NEXT_KEY,
    REWRITE,
    Book,
    Clock,
    code_of,
    rewrite_tail,
)
from tests.integration.eventstore.units import NOON, unit


async def test_a_proof_convinces_without_the_database(book: Book, ledger: Ledger, signer: Signer) -> None:
    await book.grow(255, 345)
    await signer.sign()
    prover = Prover(ledger)
    for position in (1, 255, 256, 257, 512, 513, 600):
        proof = await prover.inclusion(position)
        [found] = check({"proof": proof.format()}, [KEY.verifier])
        assert found.heads[0].size == 600
        assert proof.entry.position == position
    [row] = await ledger.pool.fetch("select * from ledger.events where position = 600")
    assert proof.entry.leaf() == recorded(row).leaf
    assert proof.entry.data == '{"note": "x", "amount": 1.50}'


async def test_a_proof_is_made_for_the_head_that_is_asked_for(book: Book, ledger: Ledger, signer: Signer) -> None:
    for more in (7, 300, 1):
        await book.grow(more)
        await signer.sign()
    prover = Prover(ledger)
    files = {
        "old": (await prover.inclusion(7, 7)).format(),
        "new": (await prover.inclusion(7)).format(),
        "between": (await prover.consistency(308, 7)).format(),
    }
    found = check(files, [KEY.verifier], (await Heads(ledger).of(7)).note)
    assert [[head.size for head in each.heads] for each in found] == [[7], [308], [7, 308]]
    assert await code_of(lambda: prover.inclusion(8, 7)) == "position_ahead"
    for missing in (lambda: prover.inclusion(1, 8), lambda: prover.consistency(7, 9)):
        assert await code_of(missing) == "no_head"


async def test_without_a_signed_head_a_proof_must_be_asked_for_as_unsigned(
    book: Book, ledger: Ledger, signer: Signer
) -> None:
    prover = Prover(ledger)
    assert await code_of(lambda: prover.inclusion(1)) == "unknown_position"
    await book.grow(5)
    with pytest.raises(NotFound, match="none was ever signed") as caught:
        await prover.inclusion(1)
    assert caught.value.code == "no_head"
    proof = await prover.inclusion(1, unsigned=True)
    with pytest.raises(Refused) as refused:
        check({"proof": proof.format()}, [KEY.verifier])
    assert refused.value.code == "unsigned"
    await signer.sign()
    await book.owner.store.append([unit()])
    with pytest.raises(NotFound, match="the newest covers 5 events"):
        await prover.inclusion(6)
    assert await code_of(lambda: prover.inclusion(6, unsigned=True)) == "tree_behind"
    assert (await prover.inclusion(5, unsigned=True)).head.signatures  # what is signed is given as signed


async def test_no_proof_is_made_of_a_history_that_was_changed(
    book: Book, ledger: Ledger, signer: Signer, grower: Projector
) -> None:
    await book.grow(10)
    await signer.sign()
    prover = Prover(ledger)
    await forge(book.owner, REWRITE)
    assert await code_of(lambda: prover.inclusion(7)) == "event_changed"
    await prover.inclusion(6)
    await rewrite_tail(book.owner, grower)
    assert await code_of(lambda: prover.inclusion(7)) == "history_changed"
    assert await code_of(lambda: prover.inclusion(6)) == "history_changed"


async def test_a_key_takes_over_from_another(book: Book, ledger: Ledger, clock: Clock) -> None:
    """As libs/transparency/README.md tells operators to: both sign for a while, then the new one alone."""
    heads: list[Head] = []
    for keys in ([KEY], [KEY, NEXT_KEY], [NEXT_KEY]):
        await book.grow(3)
        head = await Signer(ledger, keys, clock).sign()
        assert head is not None
        heads.append(head)
    prover = Prover(ledger)
    first, second = [{"a": (await prover.consistency(old.size, new.size)).format()} for old, new in pairwise(heads)]
    check(first, [KEY.verifier], heads[0].note)  # who knows the old key alone carries on
    check(second, [NEXT_KEY.verifier], heads[1].note)  # who has learnt the new one goes on from there
    with pytest.raises(Refused):
        check(second, [KEY.verifier])


async def test_the_right_to_read_is_enough_to_prove(
    book: Book, ledger: Ledger, signer: Signer, database_url: str
) -> None:
    await book.grow(300)
    await signer.sign()
    async with open_ledger(database_url, "reader") as reader:
        proof = await Prover(reader).inclusion(3)
        assert (await check_book(reader, Checkpoint.parse(proof.head.text))).ok
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await Signer(reader, [KEY], Clock()).sign()


async def test_a_forged_head_in_the_database_convinces_nobody(book: Book, ledger: Ledger) -> None:
    await book.grow(5)
    forger = SignerKey(KEY.name, b"f" * 32)
    root_now = (await Tree(ledger).path([(0, 5)]))[0]
    note = signed(Checkpoint(KEY.name, 5, root_now).text, [forger]).format()
    await book.owner.pool.execute("insert into audit.signed_heads values (1, 5, $1, $2, $3)", root_now, NOON, note)
    text = (await Prover(ledger).inclusion(2)).format()
    with pytest.raises(Refused) as refused:
        check({"a": text}, [KEY.verifier])
    assert refused.value.code == "unsigned"
