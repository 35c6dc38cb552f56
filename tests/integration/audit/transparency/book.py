"""A book that grows with its tree beside it, and an owner of the database who rewrites it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest

from libs.eventstore.ledger import Ledger
from libs.eventstore.projector import Projector
from libs.ledger.errors import HoldfastError
from libs.transparency.keys import SignerKey
from services.audit.transparency.tree import hashed
from tests.integration.audit.forgery import forge, mend_chain
from tests.integration.eventstore.units import NOON, capture, unit

KEY = SignerKey("example.com/book-1", bytes(32))
NEXT_KEY = SignerKey("example.com/book-1", bytes(range(32)))


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Book:
    """A book that grows, with the tree beside it."""

    def __init__(self, owner: Ledger, grower: Projector) -> None:
        self.owner = owner
        self._grower = grower

    async def grow(self, *sizes: int) -> None:
        for size in sizes:
            await self.owner.store.append([unit(capture()) for _ in range(size)])
            await self._grower.catch_up()


async def leaf_hashes(ledger: Ledger) -> list[bytes]:
    return hashed(await ledger.pool.fetch("select leaf, recorded_at from ledger.events order by position"))


async def code_of(call: Callable[[], Awaitable[object]]) -> str:
    """The code of the refusal that a call meets."""
    with pytest.raises(HoldfastError) as caught:
        await call()
    return caught.value.code


REWRITE = "update ledger.events set actor = 'forger' where position = 7"


async def rewrite_tail(owner: Ledger, grower: Projector) -> None:
    """What an owner of the database can do who knows everything: an event, all hashes from there on, and the tree."""
    await forge(owner, REWRITE)
    await mend_chain(owner)
    await forge(owner, "delete from audit.tree_edges; delete from audit.tree_nodes; delete from audit.checkpoints")
    await grower.catch_up()
