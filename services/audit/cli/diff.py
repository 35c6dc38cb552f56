"""`holdfast audit diff`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from libs.ledger.money import format_minor
from services.audit.cli.console import Book, Json, end, run
from services.audit.cli.moments import By, Effective, told
from services.audit.reports.diff import Change, Diff, diff
from services.audit.reports.moments import between


def add(app: typer.Typer) -> None:
    @app.command("diff")
    def diff_command(
        before: Annotated[str, typer.Argument(metavar="BEFORE", help="A position, or a time (a day: its end).")],
        after: Annotated[str | None, typer.Argument(metavar="AFTER", help="The same; now unless given.")] = None,
        *,
        by: By = "recorded",
        effective: Effective = None,
        book: Book = None,
        as_json: Json = False,
    ) -> None:
        """The accounts that moved between two states of the book: before, change, after, and which events did it.

        What was recorded in December about November: diff 2026-11-30 2026-12-31 --effective 2026-11-30
        """
        pair = between(before, after, by, effective)
        found = run(book, lambda ledger, progress: diff(ledger, *pair, progress=progress))
        end(True, found.json(), as_json, lambda out: _show(out, found))


def _show(out: Console, found: Diff) -> None:
    if not found.changes:
        out.print(f"Nothing moved between {_told(found)}.")
        return
    table = Table("account", "currency", title=f"Book {found.book} between {_told(found)}")
    for name in ("before", "change", "after", "events"):
        table.add_column(name, justify="right")
    table.add_column("by type")
    for change in found.changes:
        table.add_row(change.account, change.currency, *_figures(change), _causes(change))
    out.print(table)


def _told(found: Diff) -> str:
    earlier, later = found.before, found.after
    return f"{told(earlier.position, earlier.effective_by)} and {told(later.position, later.effective_by)}"


def _figures(change: Change) -> list[str]:
    amounts = (change.before_minor, change.change_minor, change.after_minor)
    return [*(format_minor(amount, change.currency) for amount in amounts), f"{change.events:,}"]


def _causes(change: Change) -> str:
    return "\n".join(
        f"{cause.events:,} {cause.type} {format_minor(cause.amount_minor, change.currency)}" for cause in change.causes
    )
