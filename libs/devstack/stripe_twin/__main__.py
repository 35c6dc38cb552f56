"""`python -m libs.devstack.stripe_twin`: a twin as a process of its own."""

import asyncio
from typing import Annotated

import typer
import uvloop

from libs.devstack.stripe_twin.config import DAY_SECONDS, CardFee, Endpoint, TwinConfig, Webhooks
from libs.devstack.stripe_twin.server import serve


def _endpoint(url: str | None, secret: str | None, variable: str) -> Endpoint | None:
    if url is None:
        return None
    if not secret:
        raise typer.BadParameter(f"{url} needs a secret to sign with; set {variable}.")
    return Endpoint(url, secret)


def main(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at.")] = 12111,
    webhook: Annotated[str | None, typer.Option(help="URL of the platform's webhook endpoint.")] = None,
    connect_webhook: Annotated[str | None, typer.Option(help="URL of the connected accounts' endpoint.")] = None,
    webhook_secret: Annotated[str | None, typer.Option(envvar="HOLDFAST_STRIPE_WEBHOOK_SECRET")] = None,
    connect_webhook_secret: Annotated[str | None, typer.Option(envvar="HOLDFAST_STRIPE_CONNECT_WEBHOOK_SECRET")] = None,
    extra_copies: Annotated[int, typer.Option(help="Deliver every event this many times more.")] = 0,
    start: Annotated[
        int | None, typer.Option(help="Unix time at which the twin's clock starts; now if absent.")
    ] = None,
    ticking: Annotated[bool, typer.Option(help="Whether the clock also runs by itself.")] = True,
    fee_basis_points: Annotated[int, typer.Option(help="Share of a charge that Stripe keeps.")] = 290,
    fee_fixed_minor: Annotated[int, typer.Option(help="What Stripe keeps of every charge besides.")] = 30,
    settlement_seconds: Annotated[int, typer.Option(help="From charge to available.")] = 2 * DAY_SECONDS,
    payout_submit_seconds: Annotated[int, typer.Option(help="From payout to in transit.")] = 3_600,
    payout_arrival_seconds: Annotated[int, typer.Option(help="From payout to paid or failed.")] = 2 * DAY_SECONDS,
    latency_seconds: Annotated[float, typer.Option(help="Real seconds that every call takes.")] = 0.0,
    check_responses: Annotated[bool, typer.Option(help="Check every answer against the SDK's types.")] = False,
) -> None:
    """Serve a local Stripe until interrupted. Controls are under /_twin, such as GET /_twin/summary."""
    config = TwinConfig(
        start=start,
        ticking=ticking,
        card_fee=CardFee(fee_basis_points, fee_fixed_minor),
        settlement_seconds=settlement_seconds,
        payout_submit_seconds=payout_submit_seconds,
        payout_arrival_seconds=payout_arrival_seconds,
        latency_seconds=latency_seconds,
        check_responses=check_responses,
        webhooks=Webhooks(
            platform=_endpoint(webhook, webhook_secret, "HOLDFAST_STRIPE_WEBHOOK_SECRET"),
            connect=_endpoint(connect_webhook, connect_webhook_secret, "HOLDFAST_STRIPE_CONNECT_WEBHOOK_SECRET"),
            extra_copies=extra_copies,
        ),
    )
    typer.echo(f"Stripe twin at http://{host}:{port} (controls under /_twin)")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(config, host, port))


if __name__ == "__main__":
    typer.run(main)
