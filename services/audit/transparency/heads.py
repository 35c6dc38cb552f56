"""Signed heads: what the book's log was, in our own signature, for the world to hold against us."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from libs.eventstore.projector import Projector
from libs.ledger.errors import Corrupt, NotFound
from libs.transparency.checkpoint import Checkpoint
from libs.transparency.keys import SignerKey
from libs.transparency.merkle import CompactRange, consistency_ranges, verify_consistency
from libs.transparency.note import signed
from services.audit.transparency.tree import SQL, Tree, edge_of, projection

SIGN_EVERY: Final = timedelta(minutes=1)
LOOK_EVERY_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """A head that was signed; `note` is the signed checkpoint."""

    size: int
    root: bytes
    signed_at: datetime
    note: str


class Heads:
    """The heads that were signed. Needs no more than the right to read."""

    def __init__(self, ledger: Ledger) -> None:
        self._pool = ledger.pool
        self._book = ledger.store.book

    async def newest(self) -> Head | None:
        with availability():
            return _head(await self._pool.fetchrow(SQL.newest_head, self._book))

    async def of(self, size: int) -> Head:
        """The head of exactly so many events. Raises `NotFound` (`no_head`)."""
        with availability():
            head = _head(await self._pool.fetchrow(SQL.head_of, self._book, size))
        if head is None:
            raise NotFound(
                f"No head of {size} events was signed; `holdfast audit heads` lists those that were.", code="no_head"
            )
        return head

    async def after(self, size: int, limit: int) -> list[Head]:
        """Heads of more than so many events, smallest first."""
        with availability():
            return [Head(*row.values()) for row in await self._pool.fetch(SQL.heads_after, self._book, size, limit)]


class Signer:
    """Signs heads, and never one that contradicts another: the row lock on the tree's edge makes signers take turns."""

    def __init__(self, ledger: Ledger, keys: Sequence[SignerKey], clock: Callable[[], datetime]) -> None:
        self._pool = ledger.pool
        self._tree = Tree(ledger)
        self._grower = Projector(ledger.pool, ledger.feed, projection())
        self._keys = keys
        self._clock = clock
        self._seen: Head | None = None

    async def run(self) -> None:
        """One head a minute while the book moves, until cancelled; by how many processes ever."""
        while True:
            await self.sign(every=SIGN_EVERY)
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def catch_up(self) -> None:
        """Bring the tree up to date, for a job: it may have no projector beside it that does so all the time."""
        await self._grower.catch_up()

    async def sign(self, *, every: timedelta = timedelta()) -> Head | None:
        """Sign the tree as it stands; the new head, or None where it has one or one was signed less than `every` ago.

        Raises `Corrupt` (`forked`) where the tree does not extend the last head: whoever rewrites history has to do
        without our signature. Also held against it is the last head this process saw, should the stored ones be gone.
        """
        with availability():
            async with self._pool.acquire() as connection, connection.transaction():
                edge = edge_of(await connection.fetchrow(SQL.edge_locked, self._tree.book))
                last = _head(await connection.fetchrow(SQL.newest_head, self._tree.book))
                now = self._clock()
                if last is not None and now - last.signed_at < every:
                    return None
                for head in (last, self._seen):
                    if head is not None:
                        await self._check_extends(head, edge, connection)
                if last is not None and (self._seen is None or last.size > self._seen.size):
                    self._seen = last
                if not edge.size or (last is not None and last.size == edge.size):
                    return None
                new = self._signed(edge, now)
                await connection.execute(SQL.keep_head, self._tree.book, new.size, new.root, new.signed_at, new.note)
        self._seen = new
        log.info("signed a head", size=new.size, root=new.root.hex())
        return new

    def _signed(self, edge: CompactRange, now: datetime) -> Head:
        checkpoint = Checkpoint(self._keys[0].name, edge.size, edge.root())
        return Head(edge.size, checkpoint.root, now, signed(checkpoint.text, self._keys).format())

    async def _check_extends(self, head: Head, edge: CompactRange, connection: Any) -> None:
        if head.size <= edge.size:
            path = await self._tree.path(consistency_ranges(head.size, edge.size), connection=connection)
            if verify_consistency(head.size, edge.size, path, head.root, edge.root()):
                return
        text = (
            f"The book's tree of {edge.size} events does not extend the head of {head.size} events that was signed at "
            f"{head.signed_at.isoformat()}: history was rewritten. No head is signed until a person has looked; "
            "`holdfast audit verify` and `check-book` with a kept head say more."
        )
        log.error("refused to sign a fork", size=edge.size, root=edge.root().hex(), signed_size=head.size)
        raise Corrupt(text, code="forked")


def _head(row: Any) -> Head | None:
    return None if row is None else Head(*row.values())
