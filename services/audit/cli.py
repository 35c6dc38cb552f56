"""`holdfast audit`: the proofs for a person at a terminal or a script. Exit code 1 when anything does not hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from libs.eventstore.ledger import Ledger, open_ledger
from libs.ledger.money import format_minor
from libs.runtime.config import load_config
from services.audit.proofs import progress as proofs
from services.audit.proofs.replay import ReadModels, Replay, replay
from services.audit.proofs.trial_balance import TrialBalance, trial_balance
from services.audit.proofs.verify import Verification, verify

T = TypeVar("T")
Book = Annotated[int | None, typer.Option(min=1, help="The book, HOLDFAST_BOOK unless given.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Position = Annotated[int | None, typer.Option(min=0, help="As of this position of the log instead of now.")]


def audit_app(read_models: Callable[[], ReadModels]) -> typer.Typer:
    """The commands. `read_models` gives every service's projections, which this service must not import."""
    app = typer.Typer(help="Prove the books: hashes, balances, read models.", no_args_is_help=True)

    @app.command("verify")
    def verify_command(*, book: Book = None, as_json: Json = False) -> None:
        """Recompute every hash and every balance from the events; name the first position that is wrong."""
        found = _run(book, lambda ledger, progress: verify(ledger, progress=progress))
        _end(found.ok, found.json(), as_json, lambda out: _show_verification(out, found))

    @app.command("trial-balance")
    def trial_balance_command(*, book: Book = None, position: Position = None, as_json: Json = False) -> None:
        """Every account on its side; both sides must be equal in every currency."""
        found = _run(book, lambda ledger, progress: trial_balance(ledger, position, progress=progress))
        _end(found.balanced, found.json(), as_json, lambda out: _show_trial_balance(out, found))

    @app.command("replay")
    def replay_command(*, book: Book = None, as_json: Json = False) -> None:
        """Rebuild every balance and every read model from the events and compare them with the live ones."""
        found = _run(book, lambda ledger, progress: replay(ledger, read_models(), progress=progress))
        _end(found.equal, found.json(), as_json, lambda out: _show_replay(out, found))

    return app


def _run(book: int | None, work: Callable[[Ledger, proofs.Progress], Coroutine[Any, Any, T]]) -> T:
    config = load_config()

    async def opened() -> T:
        with _shown() as progress:
            # The login's own role: an auditor's may read everything and write nothing.
            async with open_ledger(config.need("database_url"), None, book=book or config.book) as ledger:
                return await work(ledger, progress)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(opened())


@contextmanager
def _shown() -> Iterator[proofs.Progress]:
    """A bar for each part of the work, on standard error, gone when it is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(step: proofs.Step) -> None:
            if step.what not in tasks:
                tasks[step.what] = bars.add_task(step.what, rate="")
            rate = f"{step.per_second:,.0f} events/s"
            bars.update(tasks[step.what], completed=step.done, total=step.total, rate=rate)

        yield show


def _end(good: bool, report: dict[str, Any], as_json: bool, show: Callable[[Console], None]) -> None:
    out = Console(highlight=False)
    if as_json:
        out.print_json(data=report)
    else:
        show(out)
    raise typer.Exit(0 if good else 1)


def _show_verification(out: Console, found: Verification) -> None:
    for fault in found.faults:
        out.print(f"[red]{fault.text}[/red] [dim]({fault.code})[/dim]")
    verdict = "[red]does not hold[/red]" if found.faults else "[green]holds[/green]"
    out.print(
        f"Book {found.book} {verdict}: {found.position:,} events in {found.block:,} blocks, "
        f"{found.seconds:.1f} s, {found.events_per_second:,} events/s."
    )
    out.print(f"Head {found.head}", soft_wrap=True)


def _show_trial_balance(out: Console, found: TrialBalance) -> None:
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


def _show_replay(out: Console, found: Replay) -> None:
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
