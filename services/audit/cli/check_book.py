"""`holdfast audit check-book`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from libs.transparency.checkpoint import opened
from libs.transparency.note import Note
from services.audit.cli.console import Book, Json, end, run
from services.audit.cli.evidence import Keys, given_keys, given_text, refusals
from services.audit.transparency.check_book import BookCheck, check_book

Kept = Annotated[Path, typer.Option(help="A signed head that you kept, as `holdfast audit heads --out` saves it.")]


def add(app: typer.Typer) -> None:
    @app.command("check-book")
    def check_book_command(*, head: Kept, key: Keys, book: Book = None, as_json: Json = False) -> None:
        """Recompute the root of a kept head from the events: shows a history that was rewritten with all its hashes."""
        with refusals():
            checkpoint, _ = opened(Note.parse(given_text(head)), given_keys(key))
        found = run(book, lambda ledger, progress: check_book(ledger, checkpoint, progress=progress))
        end(found.ok, found.json(), as_json, lambda out: _show(out, found))


def _show(out: Console, found: BookCheck) -> None:
    if found.fault:
        out.print(f"[red]{found.fault.text}[/red] [dim]({found.fault.code})[/dim]", soft_wrap=True)
    verdict = "[red]are not[/red]" if found.fault else "[green]are[/green]"
    out.print(
        f"The first {found.size:,} events of book {found.book} {verdict} those of the kept head: "
        f"{found.seconds:.1f} s, {found.events_per_second:,} events/s."
    )
