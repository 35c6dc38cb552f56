"""The `holdfast` command: everything an operator, a CronJob or an auditor runs."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import uvloop
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.table import Table

from libs.eventstore.forgetting import rewrap
from libs.eventstore.ledger import open_ledger
from libs.eventstore.pool import open_pool
from libs.ledger.errors import HoldfastError
from libs.messaging.carrier import Carrier
from libs.messaging.local import LocalCarrier
from libs.messaging.rabbit import RabbitCarrier
from libs.runtime.config import Config, load_config
from libs.runtime.data_keys import data_keys, new_data_key
from libs.runtime.lifecycle import serve as serve_services
from libs.runtime.logging import configure_logging
from libs.runtime.telemetry import Telemetry
from services.audit.cli import audit_app
from services.embedded.assembly import BUILDERS, check_job, opened, read_models, run_job
from services.embedded.personal import AFTERWARDS, Dossier, dossier, erase
from services.migrations import migrate_all

T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
AsOf = Annotated[
    datetime | None, typer.Option(help="Act as if it were this time (ISO 8601, UTC unless it has an offset).")
]

_JOB_WAIT_SECONDS = 30.0  # for the database; the next run of a CronJob comes soon enough

app = typer.Typer(
    help="Escrow-by-default payments for marketplaces. Settings come from HOLDFAST_* variables.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
dead_app = typer.Typer(help="Messages that no consumer could handle: look, replay, drop.", no_args_is_help=True)
data_key_app = typer.Typer(help="The master key under which personal texts are kept.", no_args_is_help=True)
devstack_app = typer.Typer(help="What a developer's machine needs.", no_args_is_help=True)
app.add_typer(dead_app, name="dead")
app.add_typer(data_key_app, name="data-key")
app.add_typer(devstack_app, name="devstack")
app.add_typer(audit_app(read_models), name="audit")
out = Console()
err = Console(stderr=True)


def main() -> None:
    """Run the command line. A refusal is one sentence on standard error and exit code 1."""
    # What was imported stays, and of what comes, events by the thousand, hardly anything is in a cycle: to look for
    # cycles as often as Python does by default took a sixth of the time of a rebuild.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    try:
        app()
    except HoldfastError as error:
        err.print(f"[red]{error.text}[/red] [dim]({error.code})[/dim]", highlight=False)
        sys.exit(1)


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _configured() -> Config:
    config = load_config()
    configure_logging(config.log_level)
    return config


@asynccontextmanager
async def _carrier(config: Config) -> AsyncIterator[Carrier]:
    """RabbitMQ where HOLDFAST_AMQP_URL is set, else the queues in PostgreSQL."""
    if config.amqp_url is not None:
        yield RabbitCarrier(config.amqp_url.get_secret_value())
        return
    async with open_pool(config.need("database_url"), None, connections_max=16) as pool:
        yield LocalCarrier(pool, config.book)


@app.command()
def migrate(*, as_json: Json = False) -> None:
    """Bring the database to the newest schema and open the book. Needs the owner's login."""
    config = _configured()
    applied = _run(migrate_all(config.need("database_url"), book=config.book))
    out.print_json(data={"applied": applied}) if as_json else out.print(
        "\n".join([*applied, f"{len(applied)} migrations applied."])
    )


@app.command()
def serve(names: Annotated[list[str], typer.Argument(help=f"{', '.join(BUILDERS)}, or all")]) -> None:
    """Run services until a signal ends them: on RabbitMQ or, with `all` and no HOLDFAST_AMQP_URL, without a broker."""
    config = _configured()
    everything = names == ["all"]
    if not everything:
        config.need("amqp_url")

    async def work() -> None:
        async with opened(list(BUILDERS) if everything else names, config) as services, _carrier(config) as carrier:
            telemetry = Telemetry(CollectorRegistry())
            await serve_services(services, carrier, telemetry, host=config.http_host, port=config.http_port)

    _run(work())


@app.command()
def job(name: Annotated[str, typer.Argument(help="release-due, payouts-due, ...")], as_of: AsOf = None) -> None:
    """Do what is due. Safe to run twice, at once, or late; exit code 0 only when nothing due is left."""
    config = _configured()
    concerned = check_job(name)
    moment = as_of or datetime.now(UTC)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    async def work() -> list[Any]:
        async with opened(concerned, config, wait_seconds=_JOB_WAIT_SECONDS) as services:
            return list(await run_job(services, name, moment, lambda line: err.print(line, highlight=False)))

    summaries = _run(work())
    left = sum(summary.get("left", 0) for summary in summaries)
    print(json.dumps({"job": name, "as_of": moment.isoformat(), "left": left, "parts": summaries}))  # noqa: T201 - output
    raise typer.Exit(1 if left else 0)


@app.command()
def demo() -> None:
    """A marketplace's day, end to end in this process: orders, escrow, payouts, and the proof at the end."""
    from services.demo.play import play  # noqa: PLC0415 - needs the devstack, which a service's image has not

    configure_logging("WARNING")
    _run(play(out))


@app.command()
def forget(
    subject: Annotated[str, typer.Argument(help="A buyer, a seller or another author by the id that the shop uses.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    as_json: Json = False,
) -> None:
    """Make unreadable for ever what somebody typed, and what was said about their orders. The log stays provable.

    Their keys are destroyed; safe to run twice. The login must be able to take the role holdfast_forgetter.
    """
    config = _configured()

    async def work() -> tuple[Dossier, int]:
        async with open_ledger(config.need("database_url"), "forgetter", book=config.book) as ledger:
            found = await dossier(ledger, subject, lambda line: err.print(line, highlight=False))
            err.print(found.text(), highlight=False)
            if found.open and not yes:
                typer.confirm("Forget them?", abort=True, err=True)
            return found, await erase(ledger, found)

    found, destroyed = _run(work())
    if as_json:
        out.print_json(json.dumps(found.json() | {"destroyed": destroyed}, default=str))
    else:
        out.print(f"{destroyed} keys destroyed. {AFTERWARDS}", highlight=False)


@data_key_app.command("new")
def data_key_new() -> None:
    """Print a fresh key for HOLDFAST_DATA_KEY. Keep a copy apart from the database's backups."""
    print(new_data_key())  # noqa: T201 - output


@data_key_app.command("rewrap")
def data_key_rewrap(*, as_json: Json = False) -> None:
    """Put everything under the first key of HOLDFAST_DATA_KEY; the others can go then. Needs the owner's login."""
    config = _configured()
    masters = data_keys(config)

    def progress(done: int, total: int) -> None:
        err.print(f"{total} keys seen, {done} rewrapped", highlight=False)

    async def work() -> tuple[int, int]:
        async with open_ledger(config.need("database_url"), None, book=config.book) as ledger:
            return await rewrap(ledger, masters, progress)

    done, total = _run(work())
    out.print_json(data={"rewrapped": done, "keys": total}) if as_json else out.print(
        f"{done} of {total} keys rewrapped; only the first key of HOLDFAST_DATA_KEY is needed now."
    )


@devstack_app.command("up")
def devstack_up() -> None:
    """PostgreSQL, the Stripe twin and all services in this process, until Ctrl-C; nothing is kept."""
    from services.embedded.devstack import stay_up  # noqa: PLC0415 - as above

    configure_logging("INFO")
    _run(stay_up(out))


@devstack_app.command(
    "stripe", add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def devstack_stripe(context: typer.Context) -> None:
    """The Stripe twin alone, with a page to fail and bounce things on. --help shows its options."""
    from libs.devstack.stripe_twin.command import app as twin  # noqa: PLC0415 - as above, and it has its own options

    twin(context.args, prog_name=context.command_path)


Queue = Annotated[str | None, typer.Option(help="Only letters that died in this queue.")]
Id = Annotated[str | None, typer.Option("--id", help="Only the message with this id.")]


@dead_app.command("list")
def dead_list(*, queue: Queue = None, message_id: Id = None, as_json: Json = False) -> None:
    """Show dead letters and why they died; they stay where they are."""

    async def work(carrier: Carrier) -> list[Any]:
        return list(await carrier.dead.letters(queue=queue, id=message_id))

    letters = _with_carrier(work)
    if as_json:
        names = ("id", "queue", "type", "code", "reason", "died_at")
        shown = [{name: getattr(letter, name) for name in names} for letter in letters]
        out.print_json(json.dumps(shown, default=str))
        return
    table = Table("id", "queue", "type", "code", "reason", "died at")
    for x in letters:
        table.add_row(x.id, x.queue, x.type or "", x.code, x.reason, str(x.died_at or ""))
    out.print(table)


@dead_app.command("replay")
def dead_replay(
    *,
    queue: Queue = None,
    message_id: Id = None,
    corrected: Annotated[Path | None, typer.Option(help="A file with the body to send instead.", exists=True)] = None,
) -> None:
    """Put dead letters back into the queues they died in."""
    body = corrected.read_bytes() if corrected else None
    count = _with_carrier(lambda carrier: carrier.dead.replay(queue=queue, id=message_id, corrected=body))
    out.print(f"{count} messages replayed.")


@dead_app.command("drop")
def dead_drop(*, queue: Queue = None, message_id: Id = None) -> None:
    """Remove dead letters for ever."""
    count = _with_carrier(lambda carrier: carrier.dead.drop(queue=queue, id=message_id))
    out.print(f"{count} messages dropped.")


def _with_carrier(work: Any) -> Any:
    config = _configured()

    async def inside() -> Any:
        async with _carrier(config) as carrier:
            try:
                return await work(carrier)
            finally:
                await carrier.stop()

    return _run(inside())
