"""`holdfast audit explain`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.audit.cli.console import Book, Json, end, run
from services.audit.cli.lines import balance, harmless, sides, time_told
from services.audit.cli.moments import Currency, Effective, Position, Recorded, told
from services.audit.reports.explain import Explanation, Order, explain
from services.audit.reports.moments import asked


def add(app: typer.Typer) -> None:
    @app.command("explain")
    def explain_command(
        account: Annotated[str, typer.Argument(help="Whose balance, such as escrow:held or seller:s1:available.")],
        *,
        currency: Currency = None,
        order: Annotated[Order, typer.Option(help="Which events come first.")] = "largest",
        limit: Annotated[int, typer.Option(min=0, help="How many events are listed one by one.")] = 20,
        position: Position = None,
        as_of: Recorded = None,
        effective: Effective = None,
        book: Book = None,
        as_json: Json = False,
    ) -> None:
        """The events behind a balance: what each type comes to, then the largest or latest of them.

        Exit code 1 unless the events come to the balance exactly.
        """
        moment = asked(position, as_of, effective)
        found = run(book, lambda ledger, _: explain(ledger, account, currency, moment, order=order, limit=limit))
        end(found.adds_up, found.json(), as_json, lambda out: _show(out, found))


def _show(out: Console, found: Explanation) -> None:
    currency = found.account.currency
    out.print(
        f"{found.account.name} ({found.account.kind}) stands at [bold]{balance(found.balance_minor, currency)}[/bold] "
        f"{currency}, {told(found.position, found.effective_by)}."
    )
    groups = Table("type", title="By type")
    for name in ("events", "debit", "credit"):
        groups.add_column(name, justify="right")
    for group in found.groups:
        groups.add_row(group.type, f"{group.events:,}", *sides(group.amount_minor, currency))
    out.print(groups)
    out.print(_events(found))
    if found.unlisted.events:
        unlisted = balance(found.unlisted.amount_minor, currency)
        out.print(f"{found.unlisted.events:,} more events, not listed, come to {unlisted}.")
    if found.adds_up:
        out.print("[green]The events come to the balance exactly.[/green]")
    else:
        explained, stands = (balance(amount, currency) for amount in (found.explained_minor, found.balance_minor))
        out.print(f"[red]The events come to {explained}, not to {stands}.[/red]")


def _events(found: Explanation) -> Table:
    table = Table(title="One by one")
    table.add_column("position", justify="right")
    for name in ("recorded", "effective", "type", "about"):
        table.add_column(name)
    for name in ("debit", "credit"):
        table.add_column(name, justify="right")
    for each in found.contributions:
        times = (time_told(each.recorded_at), time_told(each.effective_at))
        about = harmless(" ".join(part for part in (each.correlation_id, each.reason) if part))
        amounts = sides(each.amount_minor, found.account.currency)
        table.add_row(f"{each.position:,}", *times, each.type, Text(about), *amounts)
    return table
