"""`holdfast audit statement`."""

from __future__ import annotations

import json
from typing import Annotated, Final

import typer

from libs.eventstore.ledger import Ledger
from services.audit.cli.console import Book, run_quiet
from services.audit.cli.lines import balance, harmless, sides, time_told
from services.audit.cli.moments import By, Currency, Position, Recorded
from services.audit.reports.moments import asked, point_of
from services.audit.reports.statement import Entry, Period, Statement, statement

From = Annotated[
    str | None,
    typer.Option("--from", metavar="WHEN", help="The first that counts: a position, or a time (a day: its start)."),
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="WHEN", help="The last that counts: a position, or a time (a day: its end)."),
]
JsonLines = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line: the head, then every entry.")]

_ROW: Final = "{:<29}  {:>10}  {:<28}  {:>22}  {:>22}  {:>25}  {}"


def add(app: typer.Typer) -> None:
    @app.command("statement")
    def statement_command(
        account: Annotated[str, typer.Argument(help="Such as escrow:held or seller:s1:available.")],
        *,
        currency: Currency = None,
        start: From = None,
        end: To = None,
        by: By = "recorded",
        position: Position = None,
        as_of: Recorded = None,
        book: Book = None,
        as_json: JsonLines = False,
    ) -> None:
        """An account's opening balance, every entry with the balance that it left, and the closing balance.

        By recorded time a statement never changes afterwards; by effective time a late entry finds its place.
        """
        period = Period(
            None if start is None else point_of(start, ends=False), None if end is None else point_of(end), by
        )
        known = asked(position, as_of).recorded

        async def work(ledger: Ledger) -> None:
            found = await statement(ledger, account, currency, period, known)
            await (_print_json if as_json else _print)(found)

        run_quiet(book, work)


async def _print_json(found: Statement) -> None:
    typer.echo(json.dumps(found.json()))
    async for entry in found.entries():
        typer.echo(json.dumps(entry.json()))


async def _print(found: Statement) -> None:
    currency = found.account.currency
    typer.echo(
        f"Statement of {found.account.name} ({found.account.kind}) in {currency}, by {found.period.by} time, "
        f"of what was recorded up to position {found.position:,}\n"
    )
    typer.echo(_ROW.format(found.period.by, "position", "event", "debit", "credit", "balance", "about").rstrip())
    typer.echo(_total("opening balance", found.opening_minor, currency))
    async for entry in found.entries():
        typer.echo(_row(entry, found))
    typer.echo(_total("closing balance", found.closing_minor, currency))


def _row(entry: Entry, found: Statement) -> str:
    currency = found.account.currency
    moment = entry.recorded_at if found.period.by == "recorded" else entry.effective_at
    about = harmless(" ".join(part for part in (entry.correlation_id, entry.reason) if part))
    amounts = (*sides(entry.amount_minor, currency), balance(entry.balance_minor, currency))
    return _ROW.format(time_told(moment), f"{entry.position:,}", entry.type, *amounts, about).rstrip()


def _total(what: str, amount_minor: int, currency: str) -> str:
    return _ROW.format("", "", what, "", "", balance(amount_minor, currency), "").rstrip()
