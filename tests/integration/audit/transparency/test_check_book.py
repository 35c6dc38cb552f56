"""A kept head against the book: whatever was changed below it shows."""

from __future__ import annotations

import pytest

from libs.eventstore.ledger import Ledger
from libs.eventstore.projector import Projector
from libs.ledger.errors import Rejected
from libs.transparency.checkpoint import Checkpoint
from libs.transparency.merkle import EMPTY_ROOT
from libs.transparency.note import Note
from services.audit.proofs.progress import Step
from services.audit.proofs.verify import verify
from services.audit.transparency.check_book import check_book
from services.audit.transparency.heads import Signer
from tests.integration.audit.forgery import forge
from tests.integration.audit.transparency.book import (
    REWRITE,
    Book,
    rewrite_tail,
)


@pytest.fixture
async def kept(book: Book, signer: Signer) -> Checkpoint:
    await book.grow(3, 40)
    head = await signer.sign()
    assert head is not None
    await book.grow(20)
    return Checkpoint.parse(Note.parse(head.note).text)


async def test_a_kept_head_is_found_in_the_book(book: Book, signer: Signer, ledger: Ledger) -> None:
    await book.grow(3, 1200)
    signed = await signer.sign()
    assert signed is not None
    await book.grow(20)
    head, told = Checkpoint.parse(Note.parse(signed.note).text), list[Step]()
    found = await check_book(ledger, head, progress=told.append)
    assert (found.ok, found.size, found.root) == (True, 1203, head.root.hex())
    assert [step.done for step in told] == [1000, 1203]
    assert (await check_book(ledger, Checkpoint(head.origin, 0, EMPTY_ROOT))).ok


async def test_a_rewritten_tail_with_all_its_hashes_is_refused_by_a_kept_head(
    kept: Checkpoint, book: Book, ledger: Ledger, grower: Projector
) -> None:
    await rewrite_tail(book.owner, grower)
    await forge(book.owner, "delete from audit.signed_heads")
    assert (await verify(ledger)).ok  # which has nothing but the book itself to go by
    found = await check_book(ledger, kept)
    assert found.fault is not None
    assert found.fault.code == "history_changed"
    assert found.json()["ok"] is False


@pytest.mark.parametrize(
    ("statement", "fault", "position"),
    [
        (REWRITE, "event_changed", 7),
        ("update ledger.events set recorded_at = recorded_at + '1 us'", "history_changed", None),
        ("update ledger.events set effective_at = 'infinity' where position = 9", "event_changed", 9),
        ("delete from ledger.events where position = 20", "event_missing", 20),
        ("delete from ledger.events where position = 43", "event_missing", 43),
        ("update ledger.books set position = 30", "tail_missing", 31),
    ],
)
async def test_a_kept_head_shows_every_change(
    kept: Checkpoint, book: Book, ledger: Ledger, statement: str, fault: str, position: int | None
) -> None:
    await forge(book.owner, statement)
    found = (await check_book(ledger, kept)).fault
    assert found is not None
    assert (found.code, found.position) == (fault, position)


async def test_a_head_of_another_book_is_not_compared(ledger: Ledger) -> None:
    with pytest.raises(Rejected, match="not of book 1") as caught:
        await check_book(ledger, Checkpoint("example.com/book-2", 0, EMPTY_ROOT))
    assert caught.value.code == "wrong_origin"
