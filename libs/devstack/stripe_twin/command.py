"""The twin's command line: `holdfast devstack stripe`, or `python -m libs.devstack.stripe_twin`."""

import asyncio
from typing import Annotated, Any

import typer
import uvloop

from libs.devstack.stripe_twin.chaos import Chaos
from libs.devstack.stripe_twin.config import CardFee, Endpoint, TwinConfig, Webhooks
from libs.devstack.stripe_twin.server import listening, serve

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_DEFAULT = TwinConfig()
_KEY = "sk_test_twin"
_WEBHOOKS, _TIME, _MONEY, _TROUBLE = "Webhooks", "Time, in seconds of the twin's clock", "Money", "Trouble"


def _not_negative(value: Any) -> Any:
    # as a range it would stand in the column of types, and leave an 80-column terminal too little for the names
    if isinstance(value, int | float) and value < 0:
        raise typer.BadParameter("must not be negative.")
    return value


def _option(text: str, panel: str, **more: Any) -> Any:
    return typer.Option(help=text, rich_help_panel=panel, callback=_not_negative, **more)


@app.command()
def run(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes a free one.", min=0, max=65_535)] = 12111,
    seed: Annotated[int | None, typer.Option(help="Give the same ids to the same calls each time.")] = None,
    check_responses: Annotated[
        bool, typer.Option("--check-responses", help="Check every answer against the SDK's types.")
    ] = False,
    webhook: Annotated[str | None, _option("URL of the platform's endpoint.", _WEBHOOKS)] = None,
    connect_webhook: Annotated[str | None, _option("URL of the connected accounts' endpoint.", _WEBHOOKS)] = None,
    webhook_secret: Annotated[
        str, _option("Signs the platform's.", _WEBHOOKS, envvar="HOLDFAST_STRIPE_WEBHOOK_SECRET")
    ] = "whsec_twin",  # noqa: S107  known to everybody, and printed
    connect_webhook_secret: Annotated[
        str, _option("Signs the connected accounts'.", _WEBHOOKS, envvar="HOLDFAST_STRIPE_CONNECT_WEBHOOK_SECRET")
    ] = "whsec_twin_connect",  # noqa: S107  known to everybody, and printed
    extra_copies: Annotated[int, _option("Deliver every event this many times more.", _WEBHOOKS)] = 0,
    start: Annotated[int | None, _option("Unix time at which the clock starts; now, if not given.", _TIME)] = None,
    ticking: Annotated[bool, _option("Whether the clock also runs by itself.", _TIME)] = _DEFAULT.ticking,
    settlement_seconds: Annotated[
        int, _option("From a charge to available funds.", _TIME)
    ] = _DEFAULT.settlement_seconds,
    debit_seconds: Annotated[int, _option("From a bank debit to the bank's answer.", _TIME)] = _DEFAULT.debit_seconds,
    refund_seconds: Annotated[
        int, _option("From a pending or failing refund to its end.", _TIME)
    ] = _DEFAULT.refund_seconds,
    trouble_seconds: Annotated[
        int, _option("From a payment by a test card that brings a dispute or a warning to that.", _TIME)
    ] = _DEFAULT.trouble_seconds,
    dispute_answer_days: Annotated[int, _option("Days to answer a dispute, instead of seconds.", _TIME)] = (
        _DEFAULT.dispute_answer_days
    ),
    dispute_review_seconds: Annotated[
        int, _option("From evidence that decides a dispute to the decision.", _TIME)
    ] = _DEFAULT.dispute_review_seconds,
    inquiry_seconds: Annotated[
        int, _option("From an inquiry that nobody follows up to its end.", _TIME)
    ] = _DEFAULT.inquiry_seconds,
    payout_submit_seconds: Annotated[
        int, _option("From a payout to its leaving for the bank.", _TIME)
    ] = _DEFAULT.payout_submit_seconds,
    payout_arrival_seconds: Annotated[
        int, _option("From a payout to its being paid, or failing.", _TIME)
    ] = _DEFAULT.payout_arrival_seconds,
    payout_return_seconds: Annotated[
        int, _option("From the arrival of a payout that bounces to its return.", _TIME)
    ] = _DEFAULT.payout_return_seconds,
    fee_basis_points: Annotated[int, _option("Share of a charge that Stripe keeps.", _MONEY)] = (
        _DEFAULT.card_fee.basis_points
    ),
    fee_fixed_minor: Annotated[int, _option("What Stripe keeps of every charge besides.", _MONEY)] = (
        _DEFAULT.card_fee.fixed_minor
    ),
    dispute_fee_minor: Annotated[int, _option("What Stripe takes for a chargeback besides.", _MONEY)] = (
        _DEFAULT.dispute_fee_minor
    ),
    refunds_wait_for_funds: Annotated[
        bool, typer.Option("--refunds-wait-for-funds", help="Refunds beyond the balance wait.", rich_help_panel=_MONEY)
    ] = False,
    requests_per_second: Annotated[
        float, _option("Limit of each operation of the API, as at Stripe; 0 sets none.", _TROUBLE)
    ] = 25.0,
    requests_per_second_in_all: Annotated[
        float, _option("Limit of all together: 100 in Stripe's live mode, 25 in a sandbox; 0 sets none.", _TROUBLE)
    ] = 100.0,
    latency_seconds: Annotated[float, _option("Real seconds that every call takes.", _TROUBLE)] = 0.0,
    chaos_share: Annotated[
        float, _option("Share of calls, and of webhooks, that go wrong, each in its own way.", _TROUBLE, max=1)
    ] = 0.0,
    chaos_seed: Annotated[int, _option("Decides which ones.", _TROUBLE)] = 0,
) -> None:
    """A Stripe of your own: the calls that Holdfast makes, webhooks, and a page to fail and bounce things on.

    It forgets everything when it ends (Ctrl-C). HTTP controls are under /_twin, such as GET /_twin/summary.
    """
    config = TwinConfig(
        start=start,
        ticking=ticking,
        card_fee=CardFee(fee_basis_points, fee_fixed_minor),
        settlement_seconds=settlement_seconds,
        debit_seconds=debit_seconds,
        refund_seconds=refund_seconds,
        trouble_seconds=trouble_seconds,
        dispute_fee_minor=dispute_fee_minor,
        dispute_answer_days=dispute_answer_days,
        dispute_review_seconds=dispute_review_seconds,
        inquiry_seconds=inquiry_seconds,
        payout_submit_seconds=payout_submit_seconds,
        payout_arrival_seconds=payout_arrival_seconds,
        payout_return_seconds=payout_return_seconds,
        refunds_wait_for_funds=refunds_wait_for_funds,
        check_responses=check_responses,
        latency_seconds=latency_seconds,
        requests_per_second=requests_per_second or None,
        requests_per_second_in_all=requests_per_second_in_all or None,
        chaos=Chaos.evenly(chaos_seed, chaos_share) if chaos_share else None,
        seed=seed,
        webhooks=Webhooks(
            platform=Endpoint(webhook, webhook_secret) if webhook else None,
            connect=Endpoint(connect_webhook, connect_webhook_secret) if connect_webhook else None,
            extra_copies=extra_copies,
        ),
    )
    _serve(config, host, port)


def _serve(config: TwinConfig, host: str, port: int) -> None:
    try:
        with listening(port, host) as listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            typer.echo(_greeting(f"http://{host}:{listener.getsockname()[1]}", config.webhooks))
            runner.run(serve(config, listener))
    except OSError as error:
        typer.echo(f"The twin cannot listen at {host}:{port} ({error.strerror}); choose another --port.", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:  # uvicorn has ended in order and says so once more
        typer.echo("\nThe Stripe twin has stopped; what it knew is gone.")


def _greeting(url: str, webhooks: Webhooks) -> str:
    endpoints = {"platform": webhooks.platform, "connected accounts": webhooks.connect}
    told = [f"  webhooks ({name})  {at.url}, signed with {at.secret}" for name, at in endpoints.items() if at]
    return "\n".join(
        [
            f"The Stripe twin answers at {url} until Ctrl-C.",
            f"  page      {url}/",
            f"  key       {_KEY}, or any other that begins with sk_test_; pk_test_... for browsers",
            *(told or [f"  webhooks  none yet: --webhook URL, or PUT {url}/_twin/webhooks, or the page"]),
            "",
            f'  stripe.StripeClient("{_KEY}", base_addresses={{"api": "{url}"}})',
            f"  HOLDFAST_STRIPE_API_KEY={_KEY} HOLDFAST_STRIPE_API_BASE={url}",
            "",
        ]
    )
