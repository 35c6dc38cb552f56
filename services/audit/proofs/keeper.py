"""Where a verification left off: looked back at when the next one begins, and written down as it goes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from libs.eventstore.ledger import Ledger
from libs.eventstore.pool import availability
from services.audit.proofs.book import SQL
from services.audit.proofs.chain import Broken, Chain
from services.audit.proofs.kept import BEGINNING, Kept, Keys, Mark

KEEP_EVERY_SECONDS: Final = 10.0


async def look_back(ledger: Ledger, kept: Kept) -> None:
    """Is every block that was marked still there? Raises `Broken`."""
    with availability():
        rows = await ledger.pool.fetch(SQL.marked, kept.book, [mark.block for mark in kept.marks])
    there = {Mark(*row) for row in rows}
    before = BEGINNING
    for mark in kept.marks:
        if mark not in there:
            first = before.position + 1
            raise Broken(
                "history_rewritten",
                f"Block {mark.block} to position {mark.position} is not the one that was verified: between positions "
                f"{first} and {mark.position} history was cut or rewritten, hashes and all.",
                first,
                before.block + 1,
            )
        before = mark


class Keeper:
    """Writes the file."""

    def __init__(self, path: Path, kept: Kept | None) -> None:
        self._path = path
        self._marks = list(kept.marks) if kept else []
        self._keys = kept.keys if kept else None
        self._kept_at = time.monotonic()

    def passing(self, chain: Chain) -> None:
        """Keep where the walk is, if it can be taken up again there and the last time was a while ago."""
        if chain.at_the_end_of_a_block and time.monotonic() - self._kept_at > KEEP_EVERY_SECONDS:
            self.keep(chain, self._keys)
            self._kept_at = time.monotonic()

    def keep(self, chain: Chain, keys: Keys | None) -> None:
        mark = Mark(chain.position, chain.block, chain.head)
        if mark not in (BEGINNING, *self._marks[-1:]):
            self._marks.append(mark)
        Kept(chain.book, self._marks, chain.sealed_at, chain.closed_before, chain.tally.balances, keys).save(self._path)
