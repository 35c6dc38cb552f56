"""`holdfast audit periods`, `period`, `close-month` and `reopen-month`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from getpass import getuser
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Meta
from libs.ledger.errors import Rejected
from libs.ledger.money import format_minor
from services.audit.cli.console import Book, Json, end, run
from services.audit.domain.sheet import Line
from services.audit.handlers.periods import Periods
from services.audit.proofs.progress import Progress
from services.audit.proofs.turnovers import BookTurnovers
from services.audit.reports.periods import SealCheck, check
from services.audit.views.periods import Month, Views

MonthName = Annotated[str, typer.Argument(metavar="MONTH", help="A month in UTC, like 2026-10.")]
Reason = Annotated[str, typer.Option(help="Why. It is kept in the log for ever, in plain: name no person.")]
Actor = Annotated[str | None, typer.Option(help="Who orders it; the login's name unless given.")]
Check = Annotated[bool, typer.Option("--check", help="Recompute it from the events; exit code 1 where it differs.")]
Closing = Annotated[int | None, typer.Option(min=1, help="Of a month that was reopened: which closing, from 1.")]
Yes = Annotated[bool, typer.Option("--yes", help="Books that were closed are to change.")]


def add(app: typer.Typer) -> None:
    app.command("periods")(_periods)
    app.command("period")(_period)
    app.command("close-month")(_close_month)
    app.command("reopen-month")(_reopen_month)


def _periods(*, book: Book = None, as_json: Json = False) -> None:
    """Every month that was ever closed: how it stands, by whom, when and why, and its sealed totals."""
    found = run(book, lambda ledger, _: Views(ledger).all())
    end(True, {"periods": [_plain(month) for month in found]}, as_json, lambda out: _show_months(out, found))


def _period(
    month: MonthName, *, closing: Closing = None, recompute: Check = False, book: Book = None, as_json: Json = False
) -> None:
    """A month with its sealed balances: opening, debit, credit and closing of every account."""

    async def work(ledger: Ledger, progress: Progress) -> tuple[Month, list[Line], SealCheck | None]:
        found = await Views(ledger).one(month)
        sealing = found.sealed(closing)
        lines = [line async for line in Views(ledger).lines(sealing)]
        return found, lines, await check(ledger, found, sealing, progress=progress) if recompute else None

    found, lines, checked = run(book, work)
    report = _plain(found) | {"balances": [_plain(line) for line in lines], "check": checked and checked.json()}
    end(checked is None or checked.holds, report, as_json, lambda out: _show(out, found, lines, checked))


def _close_month(
    month: MonthName, *, reason: Reason, actor: Actor = None, book: Book = None, as_json: Json = False
) -> None:
    """Close a month: nothing can be posted into it any more, and its balances are sealed in the log.

    Months are closed in order, once they have ended, empty ones too. To close a month again changes nothing, but
    finishes what was cut short.
    """
    meta = Meta(actor or getuser(), reason)
    _change(book, month, as_json, lambda periods: periods.close(month, meta))


def _reopen_month(
    month: MonthName, *, reason: Reason, yes: Yes = False, actor: Actor = None, book: Book = None, as_json: Json = False
) -> None:
    """Reopen the month that was closed last. What was sealed stays in the log; close it again afterwards."""
    if not yes:
        raise Rejected(
            f"Reopening {month} changes books that were closed and perhaps reported. If that is meant, add --yes.",
            code="not_confirmed",
        )
    meta = Meta(actor or getuser(), reason)
    _change(book, month, as_json, lambda periods: periods.reopen(month, meta))


def _change(book: int | None, month: str, as_json: bool, order: Callable[[Periods], Awaitable[None]]) -> None:
    async def work(ledger: Ledger, progress: Progress) -> Month:
        await order(Periods(ledger, BookTurnovers(ledger, progress), lambda: datetime.now(UTC)))
        return await Views(ledger).one(month)

    found = run(book, work, service="audit")
    end(True, _plain(found), as_json, lambda out: _show_months(out, [found]))


def _plain(found: Month | Line) -> dict[str, Any]:
    plain: dict[str, Any] = TypeAdapter(type(found)).dump_python(found, mode="json")
    return plain


def _show_months(out: Console, found: Sequence[Month]) -> None:
    if not found:
        out.print("No month was ever closed.")
        return
    table = Table("month", "what", "when", "who", "why", title="Accounting periods")
    table.add_column("position", justify="right")
    table.add_column("sealed turnover", justify="right")
    for month in found:
        table.add_section()
        for deed in month.deeds:
            when, position = f"{deed.at:%Y-%m-%d %H:%M:%S%z}", f"{deed.position:,}"
            totals = deed.sealing.totals if deed.sealing else ()
            turnover = "\n".join(f"{format_minor(each.debit_minor, each.currency)} {each.currency}" for each in totals)
            table.add_row(
                month.month, deed.what, when, escape(deed.actor), escape(deed.reason or ""), position, turnover
            )
    out.print(table)


def _show(out: Console, found: Month, lines: Sequence[Line], checked: SealCheck | None) -> None:
    table = Table("account", "currency", title=f"Sealed balances of {found.month}, which is {found.status} now")
    for name in ("opening", "debit", "credit", "closing"):
        table.add_column(name, justify="right")
    for line in lines:
        table.add_row(line.account, line.currency, *_amounts(line))
    out.print(table)
    if checked is None:
        return
    for each in checked.differences:
        sealed, recomputed = (
            " ".join(_amounts(line)) if line else "nothing" for line in (each.sealed, each.recomputed)
        )
        out.print(f"{each.account} {each.currency}: sealed {sealed}, its events come to {recomputed}.", markup=False)
    verdict = "[green]are[/green]" if checked.holds else "[red]differ from[/red]"
    out.print(f"The sealed balances {verdict} what the events up to position {checked.position:,} come to.")


def _amounts(line: Line) -> list[str]:
    amounts = (line.opening_minor, line.debit_minor, line.credit_minor, line.closing_minor)
    return [format_minor(amount, line.currency) for amount in amounts]
