"""What all commands of the audit share: opening the book, showing progress, ending with a report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from libs.eventstore.ledger import Ledger, open_ledger
from libs.runtime.config import load_config
from services.audit.proofs import progress as proofs
from services.audit.reports.plain import plain

T = TypeVar("T")
Book = Annotated[int | None, typer.Option(min=1, help="The book, HOLDFAST_BOOK unless given.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def run(
    book: int | None,
    work: Callable[[Ledger, proofs.Progress], Coroutine[Any, Any, T]],
    *,
    service: str | None = None,
) -> T:
    """Do work on a book, with a bar on standard error while it lasts.

    The book is opened with the login's own role: an auditor's may read everything and write nothing. What writes names
    the `service` whose role it takes, so that the login must be allowed to.
    """

    async def shown_work(ledger: Ledger) -> T:
        with shown() as progress:
            return await work(ledger, progress)

    return run_quiet(book, shown_work, service=service)


def run_quiet(book: int | None, work: Callable[[Ledger], Coroutine[Any, Any, T]], *, service: str | None = None) -> T:
    """The same without a bar: for work that prints as it goes, whose lines a bar would take to standard error."""
    config = load_config()

    async def opened() -> T:
        async with open_ledger(config.need("database_url"), service, book=book or config.book) as ledger:
            return await work(ledger)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(opened())


@contextmanager
def shown() -> Iterator[proofs.Progress]:
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


def end(good: bool, report: dict[str, Any], as_json: bool, show: Callable[[Console], None]) -> None:
    """Print the report, as JSON or as `show` lays it out; exit code 1 unless all is `good`."""
    out = Console(highlight=False)
    if as_json:
        out.print_json(data=plain(report))
    else:
        show(out)
    raise typer.Exit(0 if good else 1)
