"""Exporting a book to files, beside a bare COPY TO STDOUT of the same rows, thrown away as they come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from libs.eventstore.ledger import Ledger
from services.audit.export.extent import extent
from services.audit.export.files import Format
from services.audit.export.folder import export
from tests.bench.book import EVENTS, written_book
from tests.bench.harness import Result, Side, in_turns

ROWS: Final = (
    "select * from ledger.events order by position",
    "select e.position, p.* from ledger.events e, unnest(accounts, currencies, amounts) with ordinality p order by 1",
    "select * from ledger.blocks order by block",
)


def _exported(folder: Path, format_: Format) -> Callable[[Ledger], Awaitable[int]]:
    async def exported(ledger: Ledger) -> int:
        manifest = await export(ledger, folder, await extent(ledger), [format_], force=True)
        assert manifest.events == EVENTS
        return manifest.events

    return exported


async def _copied(ledger: Ledger) -> int:
    async def drop(data: bytes) -> None:
        pass

    async with ledger.pool.acquire() as connection:
        for query in ROWS:
            await connection.copy_from_query(query, output=drop)
    return EVENTS


async def run() -> list[Result]:
    async with written_book() as ledger:
        results = []
        for format_ in Format:
            with TemporaryDirectory() as folder:
                ours = Side(lambda: ledger, _exported(Path(folder), format_))
                results.append(await in_turns(f"export_{format_}", "events/s", ours, Side(lambda: ledger, _copied)))
        return results
