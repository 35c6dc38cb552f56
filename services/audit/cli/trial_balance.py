"""`holdfast audit trial-balance`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from libs.ledger.money import format_minor
from services.audit.cli.console import Book, Json, end, run
from services.audit.reports.trial_balance import TrialBalance, trial_balance

Position = Annotated[int | None, typer.Option(min=0, help="As of this position of the log instead of now.")]


def add(app: typer.Typer) -> None:
    @app.command("trial-balance")
    def trial_balance_command(*, book: Book = None, position: Position = None, as_json: Json = False) -> None:
        """Every account on its side; both sides must be equal in every currency."""
        found = run(book, lambda ledger, progress: trial_balance(ledger, position, progress=progress))
        end(found.balanced, found.json(), as_json, lambda out: _show(out, found))


def _show(out: Console, found: TrialBalance) -> None:
    table = Table(
        "account", "kind", "currency", title=f"Trial balance of book {found.book}, position {found.position:,}"
    )
    table.add_column("debit", justify="right")
    table.add_column("credit", justify="right")
    for line in found.lines:
        sides = (format_minor(side, line.currency) if side else "" for side in (line.debit_minor, line.credit_minor))
        table.add_row(line.account, line.kind, line.currency, *sides)
    for total in found.totals:
        table.add_section()
        sides = (format_minor(side, total.currency) for side in (total.debit_minor, total.credit_minor))
        table.add_row("total", "", total.currency, *sides, style="bold" if not total.difference_minor else "bold red")
    out.print(table)
