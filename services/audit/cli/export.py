"""`holdfast audit export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from libs.eventstore.ledger import Ledger
from libs.ledger.errors import Rejected
from services.audit.cli.console import Book, Json, end, run
from services.audit.cli.moments import Recorded
from services.audit.export.extent import extent
from services.audit.export.files import Format
from services.audit.export.folder import MANIFEST, Manifest, export
from services.audit.proofs.progress import Progress
from services.audit.reports.moments import Point, asked, point_of

Folder = Annotated[Path, typer.Argument(help="Where the files go; it is made, or empty.", file_okay=False)]
Formats = Annotated[list[Format], typer.Option("--format", help="What to write; give it several times for several.")]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="WHEN", help="The first recorded: a position, or a time (a day: its start)."),
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="WHEN", help="The last recorded: a position, or a time (a day: its end)."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the export that is in the folder.")]


def add(app: typer.Typer) -> None:
    @app.command("export")
    def export_command(
        folder: Folder,
        *,
        formats: Formats = [Format.PARQUET],  # noqa: B006 - typer reads it, nobody writes it
        first: From = None,
        last: To = None,
        as_of: Recorded = None,
        force: Force = False,
        book: Book = None,
        as_json: Json = False,
    ) -> None:
        """Write the books as files that other tools check: DuckDB, Excel, pandas, hledger, beancount.

        Parquet and CSV hold the tables events, postings and blocks; a journal holds a transaction for every event that
        posts and asserts every balance at its end. A folder with a manifest.json holds a whole export.
        """
        start = None if first is None else point_of(first, ends=False)
        stop = _end(last, as_of)

        async def work(ledger: Ledger, progress: Progress) -> Manifest:
            return await export(
                ledger, folder, await extent(ledger, start, stop), formats, force=force, progress=progress
            )

        found = run(book, work)
        end(True, found.json(), as_json, lambda out: _show(out, folder, found))


def _end(last: str | None, as_of: str | None) -> Point | None:
    if last is None:
        return asked(None, as_of).recorded
    if as_of is not None:
        raise Rejected("Both --to and --as-of say where the export ends; give one of them.", code="two_moments")
    return point_of(last)


def _show(out: Console, folder: Path, found: Manifest) -> None:
    title = f"Book {found.book}, positions {found.first_position:,} to {found.last_position:,}"
    table = Table("file", title=title)
    for name in ("rows", "bytes"):
        table.add_column(name, justify="right")
    table.add_column("sha256", overflow="fold")
    for file in found.files:
        table.add_row(file.name, f"{file.rows:,}", f"{file.size_bytes:,}", file.sha256)
    out.print(table)
    out.print(f"Head {found.head}", soft_wrap=True)
    out.print(f"All of it is listed in {folder / MANIFEST}", soft_wrap=True, markup=False)
