"""`holdfast audit verify`."""

from __future__ import annotations

import typer
from rich.console import Console

from services.audit.cli.console import Book, Json, end, run
from services.audit.proofs.verify import Verification, verify


def add(app: typer.Typer) -> None:
    @app.command("verify")
    def verify_command(*, book: Book = None, as_json: Json = False) -> None:
        """Recompute every hash and every balance from the events; name the first position that is wrong."""
        found = run(book, lambda ledger, progress: verify(ledger, progress=progress))
        end(found.ok, found.json(), as_json, lambda out: _show(out, found))


def _show(out: Console, found: Verification) -> None:
    for fault in found.faults:
        out.print(f"[red]{fault.text}[/red] [dim]({fault.code})[/dim]")
    verdict = "[red]does not hold[/red]" if found.faults else "[green]holds[/green]"
    out.print(
        f"Book {found.book} {verdict}: {found.position:,} events in {found.block:,} blocks, "
        f"{found.seconds:.1f} s, {found.events_per_second:,} events/s."
    )
    out.print(f"Head {found.head}", soft_wrap=True)
