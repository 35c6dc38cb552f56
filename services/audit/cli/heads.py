"""`holdfast audit heads`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from libs.eventstore.ledger import Ledger
from libs.ledger.errors import Corrupt
from services.audit.cli.console import Book, Json, end, run
from services.audit.cli.evidence import given_text
from services.audit.proofs.progress import Progress
from services.audit.transparency.heads import Head, Heads

Out = Annotated[Path | None, typer.Option(help="Save each head as a file in this folder; take it somewhere safe.")]
_PAGE: Final = 1_000


def add(app: typer.Typer) -> None:
    @app.command("heads")
    def heads_command(*, out: Out = None, book: Book = None, as_json: Json = False) -> None:
        """List the signed heads of the book's log, or save them: what is kept elsewhere cannot be rewritten here."""

        async def work(ledger: Ledger, _progress: Progress) -> list[Head]:
            heads: list[Head] = []
            while page := await Heads(ledger).after(heads[-1].size if heads else 0, _PAGE):
                heads += page
            return heads

        found = run(book, work)
        saved = _save(found, out) if out else 0
        report = {"heads": [_plain(head) for head in found]} | ({"saved": saved} if out else {})
        end(True, report, as_json, lambda console: _show(console, found, out, saved))


def _save(heads: Sequence[Head], folder: Path) -> int:
    """Write what is not there yet. Raises `Corrupt` (`head_changed`) where a file of the same size says otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    new = 0
    for head in heads:
        path = folder / f"{head.size:012d}.checkpoint"
        if not path.exists():
            path.write_text(head.note, encoding="utf-8", newline="")
            new += 1
        elif given_text(path) != head.note:
            raise Corrupt(
                f"{path} is not the head of {head.size} events that the database holds now; keep both, one of them is "
                "forged (`holdfast audit check-book --head` tells which).",
                code="head_changed",
            )
    return new


def _show(out: Console, heads: Sequence[Head], folder: Path | None, saved: int) -> None:
    table = Table("events", "root", "signed at")
    for head in heads:
        table.add_row(f"{head.size:,}", head.root.hex(), head.signed_at.isoformat(" ", "seconds"))
    out.print(table)
    if folder:
        out.print(f"{saved} heads saved in {folder}, {len(heads) - saved} were there.", markup=False, soft_wrap=True)


def _plain(head: Head) -> dict[str, Any]:
    return {
        "size": head.size,
        "root": head.root.hex(),
        "signed_at": head.signed_at.isoformat(),
        "checkpoint": head.note,
    }
