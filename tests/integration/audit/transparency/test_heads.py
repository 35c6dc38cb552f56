"""Heads are signed once, in time, and never against each other."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import asyncpg
import pytest

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.projector import Projector
from libs.transparency.check import check
from libs.transparency.checkpoint import opened
from libs.transparency.merkle import root
from libs.transparency.note import Note
from services.audit.transparency.heads import Heads, Signer
from services.audit.transparency.proving import Prover
from tests.integration.audit.forgery import forge
from tests.integration.audit.transparency.book import (
    KEY,
    Book,
    Clock,
    code_of,
    leaf_hashes,
    rewrite_tail,
)


async def test_a_head_is_signed_once_for_a_size(book: Book, ledger: Ledger, signer: Signer) -> None:
    assert await signer.sign() is None  # an empty book has nothing to vouch for
    await book.grow(10)
    new = await signer.sign()
    assert new is not None
    head, signers = opened(Note.parse(new.note), [KEY.verifier])
    assert (head.origin, head.size, head.root) == ("example.com/book-1", 10, root(await leaf_hashes(ledger)))
    assert list(signers) == [KEY.verifier]
    assert await signer.sign() is None
    assert await Heads(ledger).newest() == new
    assert await Heads(ledger).after(0, 10) == [new]


async def test_a_head_a_minute_is_signed_while_the_book_moves(
    book: Book, ledger: Ledger, signer: Signer, clock: Clock
) -> None:
    minute = timedelta(minutes=1)
    sizes = []
    for _ in range(4):
        await book.grow(1)
        clock.now += timedelta(seconds=30)
        new = await signer.sign(every=minute)
        sizes.append(new and new.size)
    assert sizes == [1, None, 3, None]


async def test_two_signers_at_once_sign_one_head(book: Book, ledger: Ledger, database_url: str, clock: Clock) -> None:
    await book.grow(5)
    async with open_ledger(database_url, "audit") as other:
        signers = [Signer(each, [KEY], clock) for each in (ledger, other)]
        for more in (1, 300):
            await book.grow(more)
            answers = await asyncio.gather(*(signer.sign() for signer in signers for _ in range(3)))
            assert [answer is None for answer in answers].count(False) == 1
    assert [head.size for head in await Heads(ledger).after(0, 10)] == [6, 306]


async def test_signing_while_the_book_grows_gives_one_consistent_history(
    book: Book, ledger: Ledger, signer: Signer
) -> None:
    growing = asyncio.create_task(book.grow(*range(1, 30)))
    while not growing.done():
        await signer.sign()
    await growing
    await signer.sign()
    heads = await Heads(ledger).after(0, 100)
    assert len(heads) > 2
    assert heads[-1].size == sum(range(1, 30))
    prover = Prover(ledger)
    files = {f"{a.size}": (await prover.consistency(a.size, b.size)).format() for a, b in pairwise(heads)}
    check(files, [KEY.verifier], heads[0].note)


async def test_no_other_hand_changes_a_signed_head(book: Book, ledger: Ledger, signer: Signer) -> None:
    await book.grow(5)
    await signer.sign()
    for statement in ("update audit.signed_heads set size = 6", "delete from audit.signed_heads"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await ledger.pool.execute(statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await book.owner.pool.execute(statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await book.owner.pool.execute("truncate audit.signed_heads")


async def test_a_fork_is_not_signed(book: Book, ledger: Ledger, signer: Signer, grower: Projector) -> None:
    await book.grow(10)
    await signer.sign()
    await rewrite_tail(book.owner, grower)
    assert await code_of(signer.sign) == "forked"
    await book.grow(300)
    assert await code_of(signer.sign) == "forked"
    assert [head.size for head in await Heads(ledger).after(0, 10)] == [10]


async def test_a_shortened_book_is_not_signed(book: Book, ledger: Ledger, signer: Signer, grower: Projector) -> None:
    await book.grow(4, 6)
    await signer.sign()
    await forge(
        book.owner,
        "delete from ledger.events where position > 4; update ledger.books set position = 4",
        "delete from audit.tree_edges; delete from audit.checkpoints",
    )
    await grower.catch_up()
    assert await code_of(signer.sign) == "forked"


async def test_a_signer_remembers_a_head_that_was_taken_out_of_the_database(
    book: Book, signer: Signer, grower: Projector
) -> None:
    await book.grow(10)
    await signer.sign()
    await rewrite_tail(book.owner, grower)
    await forge(book.owner, "delete from audit.signed_heads")
    assert await code_of(signer.sign) == "forked"
    assert await code_of(signer.sign) == "forked"
