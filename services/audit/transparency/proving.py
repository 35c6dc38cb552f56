"""Making proofs for outsiders, in files that `libs.transparency.check` reads without us."""

from __future__ import annotations

from typing import TypeVar

from libs.eventstore.leaves import microseconds
from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Recorded
from libs.eventstore.pool import availability
from libs.eventstore.store import recorded
from libs.ledger.errors import Corrupt, NotFound, Rejected
from libs.transparency.checkpoint import Checkpoint
from libs.transparency.entry import Entry
from libs.transparency.errors import Refused
from libs.transparency.merkle import consistency_ranges, inclusion_ranges
from libs.transparency.note import Note
from libs.transparency.proof import Consistency, Inclusion, Proof
from services.audit.transparency.heads import Heads
from services.audit.transparency.tree import SQL, Tree

P = TypeVar("P", bound=Proof)


class Prover:
    """Makes proofs from the kept tree and the events. Needs no more than the right to read.

    Every proof is checked before it is given away: one that fails shows that the events are no longer those that were
    signed, and raises `Corrupt` (`history_changed`).
    """

    def __init__(self, ledger: Ledger) -> None:
        self._pool = ledger.pool
        self._tree = Tree(ledger)
        self._heads = Heads(ledger)

    async def inclusion(self, position: int, size: int | None = None, *, unsigned: bool = False) -> Inclusion:
        """That the event at a position is in the log, as of the newest signed head or the one of `size` events.

        `unsigned` takes the tree as it stands where no signed head covers the position; nothing vouches for that.
        Raises `NotFound` (`unknown_position`, `no_head`), `Rejected` (`position_ahead`), `Corrupt`.
        """
        event = await self._event(position)
        note = await self._head_for(position, size, unsigned=unsigned)
        path = await self._tree.path(inclusion_ranges(position - 1, Checkpoint.parse(note.text).size))
        return _checked(Inclusion(event, tuple(path), note))

    async def consistency(self, old: int, new: int) -> Consistency:
        """That the signed head of `new` events continues the one of `old`. Raises `NotFound` (`no_head`), `Corrupt`."""
        old, new = sorted((old, new))
        older, newer = [Note.parse((await self._heads.of(size)).note) for size in (old, new)]
        path = await self._tree.path(consistency_ranges(old, new))
        return _checked(Consistency(tuple(path), older, newer))

    async def _event(self, position: int) -> Entry:
        with availability():
            row = await self._pool.fetchrow(SQL.event, self._tree.book, position)
        if row is None:
            raise NotFound(f"There is no event at position {position}.", code="unknown_position")
        event = recorded(row)
        entry = entry_of(event)
        if entry.leaf() != event.leaf:
            raise Corrupt(
                f"The fields of the event at position {position} do not give its hash: it was changed.",
                code="event_changed",
            )
        return entry

    async def _head_for(self, position: int, size: int | None, *, unsigned: bool) -> Note:
        head = await self._heads.newest() if size is None else await self._heads.of(size)
        if head is not None and position <= head.size:
            return Note.parse(head.note)
        if size is not None:
            raise Rejected(f"The head of {size} events does not cover position {position}.", code="position_ahead")
        if unsigned:
            return await self._unsigned(position)
        covered = f"the newest covers {head.size} events" if head else "none was ever signed"
        raise NotFound(
            f"No signed head covers position {position}: {covered}. Sign one with `holdfast job sign-head`, or ask for "
            "an unsigned proof, which nothing vouches for.",
            code="no_head",
        )

    async def _unsigned(self, position: int) -> Note:
        size = await self._tree.size()
        if position > size:
            raise NotFound(
                f"The tree has {size} events and does not reach position {position} yet; run the audit service or "
                "`holdfast job sign-head`, which bring it up to date.",
                code="tree_behind",
            )
        [root] = await self._tree.path([(0, size)])
        return Note(Checkpoint(f"unsigned/book-{self._tree.book}", size, root).text)


def entry_of(event: Recorded) -> Entry:
    """A stored event as a proof carries it."""
    return Entry(
        book=event.book,
        position=event.position,
        stream=event.stream,
        version=event.version,
        type=event.type,
        schema_version=event.schema_version,
        recorded_at_microseconds=microseconds(event.recorded_at),
        effective_at_microseconds=microseconds(event.effective_at),
        correlation_id=event.correlation_id,
        causation_id=event.causation_id,
        actor=event.actor,
        reason=event.reason,
        postings=event.postings,
        data=event.data,
    )


def _checked(proof: P) -> P:
    try:
        proof.check()
    except Refused as error:
        raise Corrupt(
            f"The events are no longer those that were signed. {error.text}", code="history_changed"
        ) from error
    return proof
