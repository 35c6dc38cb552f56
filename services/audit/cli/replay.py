"""`holdfast audit replay`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from libs.eventstore.ledger import Ledger
from libs.ledger.money import format_minor
from services.audit.cli.console import Book, Json, end, run
from services.audit.cli.moments import Position, Recorded
from services.audit.proofs.progress import Progress
from services.audit.proofs.replay import ReadModels, Replay, replay
from services.audit.proofs.rewind import Balance, Rewound, Unrolled, rewind, unroll
from services.audit.reports.moments import asked, position_of

Account = Annotated[
    str | None, typer.Option(metavar="PATTERN", help="Only the balances of these accounts: 'seller:*:available'.")
]
Stream = Annotated[str | None, typer.Option(help="Fold one stream alone, and show its events and what they post.")]


def add(app: typer.Typer, read_models: Callable[[], ReadModels]) -> None:
    @app.command("replay")
    def replay_command(
        *,
        book: Book = None,
        position: Position = None,
        as_of: Recorded = None,
        account: Account = None,
        stream: Stream = None,
        as_json: Json = False,
    ) -> None:
        """Rebuild every balance and every read model from the events and compare them with the live ones.

        As of an earlier moment, and of some accounts, it prints the balances; those of now it compares.
        """
        if stream is not None and account is not None:
            raise typer.BadParameter("One stream, or some accounts of the whole book: give one of them.")
        moment = asked(position, as_of)

        async def work(ledger: Ledger, progress: Progress) -> Replay | Rewound | Unrolled:
            through = None if moment.now else await position_of(ledger, moment.recorded)
            if stream is not None:
                return await unroll(ledger, stream, await position_of(ledger, moment.recorded))
            if through is None and account is None:
                return await replay(ledger, read_models(), progress=progress)
            return await rewind(ledger, through, account or "*", progress=progress)

        found = run(book, work)
        match found:
            case Replay():
                end(found.equal, found.json(), as_json, lambda out: _show_replay(out, found))
            case Rewound():
                end(found.equal, found.json(), as_json, lambda out: _show_balances(out, found))
            case Unrolled():
                end(True, found.json(), as_json, lambda out: _show_stream(out, found))


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


def _show_balances(out: Console, found: Rewound) -> None:
    out.print(_table(f"Balances of book {found.book} by its events, position {found.position:,}", found.balances))
    for each in found.balances:
        if not each.equal:
            out.print(f"[red]{each.account} is kept as {format_minor(each.live_minor or 0, each.currency)}.[/red]")


def _show_stream(out: Console, found: Unrolled) -> None:
    table = Table("position", "version", "event", "effective", "postings", "data", title=f"Stream {found.stream}")
    for event in found.events:
        posted = "\n".join(
            f"{posting.account} {format_minor(posting.amount_minor, posting.currency)} {posting.currency}"
            for posting in event.postings
        )
        when = event.effective_at.isoformat(timespec="seconds")
        table.add_row(str(event.position), str(event.version), event.type, when, posted, event.data)
    out.print(table)
    if found.balances:
        out.print(_table("What the stream posts together", found.balances))


def _table(title: str, balances: Sequence[Balance]) -> Table:
    table = Table("account", "currency", title=title)
    table.add_column("debit", justify="right")
    table.add_column("credit", justify="right")
    for each in balances:
        sides = (max(each.amount_minor, 0), max(-each.amount_minor, 0))
        shown = (format_minor(side, each.currency) if side else "" for side in sides)
        table.add_row(each.account, each.currency, *shown, style="" if each.equal else "red")
    return table
