"""`holdfast audit trial-balance`."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from libs.ledger.money import format_minor
from services.audit.cli.console import Book, Json, end, run
from services.audit.cli.moments import Effective, Position, Recorded, told
from services.audit.reports.moments import asked
from services.audit.reports.trial_balance import TrialBalance, trial_balance


def add(app: typer.Typer) -> None:
    @app.command("trial-balance")
    def trial_balance_command(
        *,
        position: Position = None,
        as_of: Recorded = None,
        effective: Effective = None,
        book: Book = None,
        as_json: Json = False,
    ) -> None:
        """Every account on its side; both sides must be equal in every currency.

        Now from the live balances, as of any other moment recomputed from the events.
        """
        moment = asked(position, as_of, effective)
        found = run(book, lambda ledger, progress: trial_balance(ledger, moment, progress=progress))
        end(found.balanced, found.json(), as_json, lambda out: _show(out, found))


def _show(out: Console, found: TrialBalance) -> None:
    title = f"Trial balance of book {found.book}, {told(found.position, found.effective_by)}"
    table = Table("account", "kind", "currency", title=title)
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
