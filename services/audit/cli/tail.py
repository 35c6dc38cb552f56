"""`holdfast audit tail`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Recorded
from libs.ledger.errors import Unavailable
from libs.ledger.money import format_minor
from services.audit.cli.console import Book, run_quiet, shown
from services.audit.cli.lines import harmless, time_told
from services.audit.reports import tail
from services.audit.reports.moments import Point, before, point_of
from services.audit.reports.tail import Filter

LAST_EVENTS: Final = 10

Number = Annotated[
    int | None, typer.Option("-n", min=0, help=f"How many of the last events; {LAST_EVENTS}, or all with --since.")
]
Follow = Annotated[bool, typer.Option("--follow/--no-follow", "-f", help="Stay, and print events as they come.")]
Since = Annotated[str | None, typer.Option(metavar="WHEN", help="Only from this position or recorded time on.")]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Only streams of this kind; may be repeated.")]
Stream = Annotated[str | None, typer.Option(help="Only this stream.")]
Types = Annotated[list[str] | None, typer.Option("--type", help="Only events of this type; may be repeated.")]
Account = Annotated[str | None, typer.Option(help="Only events that post on this account.")]
Actor = Annotated[str | None, typer.Option(help="Only what this actor did.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print JSON, one event a line.")]


def add(app: typer.Typer) -> None:
    @app.command("tail")
    def tail_command(
        *,
        number: Number = None,
        follow: Follow = False,
        since: Since = None,
        kinds: Kinds = None,
        stream: Stream = None,
        types: Types = None,
        account: Account = None,
        actor: Actor = None,
        book: Book = None,
        as_json: JsonLines = False,
    ) -> None:
        """The log, one event a line: time, position, stream, type, actor, postings (debit positive), reason."""
        only = Filter(kinds=kinds or (), stream=stream, types=types or (), account=account, actor=actor)
        start = None if since is None else point_of(since, ends=False)
        show = _json if as_json else _printer()
        with suppress(KeyboardInterrupt):  # the way to end `--follow`
            run_quiet(book, lambda ledger: _tail(ledger, only, number, start, follow, show))


async def _tail(
    ledger: Ledger,
    only: Filter,
    number: int | None,
    since: Point | None,
    follow: bool,
    show: Callable[[Recorded], None],
) -> None:
    after, head = 0 if since is None else await before(ledger, since), await ledger.feed.head()
    if since is None or number is not None:
        with shown() as progress:
            wanted = LAST_EVENTS if number is None else number
            found = await tail.last(ledger, only, wanted, head, after=after, progress=progress)
        for event in found:
            show(event)
        after = head
    listening = asyncio.create_task(_listen(ledger)) if follow else None
    try:
        async for event in tail.stream(ledger, only, after, None if follow else head):
            show(event)
    finally:
        if listening is not None:
            listening.cancel()


async def _listen(ledger: Ledger) -> None:
    """Only to hear of events sooner: where listening fails, the log is looked at every second all the same."""
    with suppress(Unavailable):
        await ledger.feed.listen()


def _json(event: Recorded) -> None:
    typer.echo(json.dumps(tail.line(event)))


def _printer() -> Callable[[Recorded], None]:
    out = Console(highlight=False, soft_wrap=True)  # no colours but on a terminal

    def show(event: Recorded) -> None:
        out.print(told(event))

    return show


def told(event: Recorded) -> Text:
    """One event as a line."""
    postings = ", ".join(f"{account} {format_minor(amount, code)} {code}" for account, code, amount in event.postings)
    reason = f'"{harmless(event.reason)}"' if event.reason else ""
    parts = [
        (time_told(event.recorded_at), "dim"),
        (f"{event.position:>8}", "bold"),
        (event.stream, "cyan"),
        (event.type, "green"),
        (harmless(event.actor), "magenta"),
        (postings, ""),
        (reason, "italic"),
    ]
    return Text("  ").join([Text(text, style) for text, style in parts if text])
