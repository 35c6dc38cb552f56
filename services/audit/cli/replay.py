"""`holdfast audit replay`."""

from __future__ import annotations

from collections.abc import Callable

import typer
from rich.console import Console
from rich.table import Table

from services.audit.cli.console import Book, Json, end, run
from services.audit.proofs.replay import ReadModels, Replay, replay


def add(app: typer.Typer, read_models: Callable[[], ReadModels]) -> None:
    @app.command("replay")
    def replay_command(*, book: Book = None, as_json: Json = False) -> None:
        """Rebuild every balance and every read model from the events and compare them with the live ones."""
        found = run(book, lambda ledger, progress: replay(ledger, read_models(), progress=progress))
        end(found.equal, found.json(), as_json, lambda out: _show(out, found))


def _show(out: Console, found: Replay) -> None:
    table = Table("compared", title=f"Replay of book {found.book}, position {found.position:,}, {found.seconds:.1f} s")
    for name in ("position", "rows", "missing", "surplus"):
        table.add_column(name, justify="right")
    for each in found.comparisons:
        counts = (f"{count:,}" for count in (each.position, each.rows, each.missing, each.surplus))
        table.add_row(each.name, *counts, style="" if each.equal else "red")
    out.print(table)
    for each in found.comparisons:
        for example in each.examples:
            out.print(f"{each.name}: {example}", markup=False, soft_wrap=True)
    out.print("[green]Rebuild equals live.[/green]" if found.equal else "[red]Rebuild differs from live.[/red]")
