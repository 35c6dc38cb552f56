"""`holdfast audit verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from services.audit.cli.console import Book, Json, end, run
from services.audit.proofs.verify import Verification, verify

Resume = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        dir_okay=False,
        help="Go on from where the run ended that wrote this file, and write it again. Kept out of reach of those who "
        "may write to the database, it also shows a history rewritten since, hashes and all.",
    ),
]


def add(app: typer.Typer) -> None:
    @app.command("verify")
    def verify_command(*, book: Book = None, resume: Resume = None, as_json: Json = False) -> None:
        """Recompute every hash and every balance from the events; name the first position that is wrong."""
        found = run(book, lambda ledger, progress: verify(ledger, resume=resume, progress=progress))
        end(found.ok, found.json(), as_json, lambda out: _show(out, found))


def _show(out: Console, found: Verification) -> None:
    for fault in found.faults:
        out.print(f"[red]{escape(fault.text)}[/red] [dim]({fault.code})[/dim]")
    verdict = "[red]does not hold[/red]" if found.faults else "[green]holds[/green]"
    since = f", the first {found.after:,} before" if found.after else ""
    out.print(
        f"Book {found.book} {verdict}: {found.position:,} events in {found.block:,} blocks{since}, "
        f"{found.seconds:.1f} s, {found.events_per_second:,} events/s."
    )
    out.print(f"Head {found.head}", soft_wrap=True)
