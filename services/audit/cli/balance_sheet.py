"""`holdfast audit balance-sheet`."""

from __future__ import annotations

from dataclasses import replace

import typer
from rich.console import Console
from rich.table import Table

from libs.ledger.money import format_minor
from services.audit.cli.console import Book, Json, end, run
from services.audit.cli.moments import Effective, Position, Recorded, told
from services.audit.reports.balance_sheet import BalanceSheet, Sheet, balance_sheet
from services.audit.reports.moments import asked


def add(app: typer.Typer) -> None:
    @app.command("balance-sheet")
    def balance_sheet_command(
        *,
        position: Position = None,
        as_of: Recorded = None,
        effective: Effective = None,
        book: Book = None,
        as_json: Json = False,
    ) -> None:
        """Assets, liabilities and earnings, in every currency; assets must equal the other two together.

        Earnings are all income less all expenses so far.
        """
        moment = asked(position, as_of, effective)
        found = run(book, lambda ledger, progress: balance_sheet(ledger, moment, progress=progress))
        end(found.balanced, found.json(), as_json, lambda out: _show(out, found))


def _show(out: Console, found: BalanceSheet) -> None:
    title = f"Balance sheet of book {found.book}, {told(found.position, found.effective_by)}"
    table = Table("", "account", "currency", title=title)
    table.add_column("amount", justify="right")
    for sheet in found.sheets:
        _add(table, sheet)
    out.print(table)


def _add(table: Table, sheet: Sheet) -> None:
    earnings = [*sheet.income, *(replace(each, amount_minor=-each.amount_minor) for each in sheet.expenses)]
    style = "bold" if not sheet.difference_minor else "bold red"
    for part, items, total in (
        ("assets", sheet.assets, sheet.assets_minor),
        ("liabilities", sheet.liabilities, sheet.liabilities_minor),
        ("earnings", earnings, sheet.earnings_minor),
    ):
        for item in items:
            table.add_row(part, item.account, sheet.currency, format_minor(item.amount_minor, sheet.currency))
        table.add_row(part, "total", sheet.currency, format_minor(total, sheet.currency), style=style)
    table.add_section()
