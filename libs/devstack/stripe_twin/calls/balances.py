"""balance, its lines, and its settings."""

import stripe.params as sdk

from libs.devstack.stripe_twin.books import PLATFORM, Bucket
from libs.devstack.stripe_twin.errors import invalid
from libs.devstack.stripe_twin.objects.account import Account, merged
from libs.devstack.stripe_twin.objects.balance_transaction import BalanceTransaction
from libs.devstack.stripe_twin.onboarding import snapshot
from libs.devstack.stripe_twin.routing import Call, Route, lists, models
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World


def retrieve(world: World, call: Call) -> Json:
    return balance_of(world, call.owner)


def balance_of(world: World, owner: str) -> Json:
    held = {(bucket, currency): amount_minor for bucket, currency, amount_minor in world.books.of(owner)}
    currencies = sorted({currency for _, currency in held} | {default_currency(world, owner)})

    def amounts(bucket: Bucket) -> list[Json]:
        each = [(currency, held.get((bucket, currency), 0)) for currency in currencies]
        return [{"amount": amount, "currency": currency, "source_types": {"card": amount}} for currency, amount in each]

    reserved = [{"amount": 0, "currency": currency} for currency in currencies]
    platform_only = {"connect_reserved": reserved} if owner == PLATFORM else {}
    return platform_only | {
        "object": "balance",
        "available": amounts("available"),
        "livemode": False,
        "pending": amounts("pending"),
    }


def default_currency(world: World, owner: str) -> str:
    return "usd" if owner == PLATFORM else world.account(owner).default_currency


def retrieve_line(world: World, call: Call) -> BalanceTransaction:
    return world.balance_transactions.get(call.owner, call.id)


def list_lines(world: World, call: Call) -> Json:
    currency = call.params.get("currency")
    if payout_id := call.params.get("payout"):
        world.payouts.get(call.owner, payout_id, "payout")
        # every payout of the twin is made by a call, and Stripe knows what is in automatic ones only
        raise invalid("Balance transaction history can only be filtered on automatic transfers, not manual.")
    page = world.balance_transactions.page(
        call.owner, call.params, lambda line: currency is None or line.currency == currency.lower()
    )
    return page.render(call.path)


def retrieve_settings(world: World, call: Call) -> Json:
    return _settings(
        world.platform_balance_settings if call.owner == PLATFORM else world.account(call.owner).balance_settings
    )


def update_settings(world: World, call: Call) -> Json:
    change = {"payments": call.params.get("payments", {})}
    if call.owner == PLATFORM:
        world.platform_balance_settings = merged(world.platform_balance_settings, change)
        return _settings(world.platform_balance_settings)
    return change_settings(world, world.account(call.owner), change)


def change_settings(world: World, account: Account, change: Json) -> Json:
    """By the platform's call, or by somebody in a Dashboard."""
    account.balance_settings = merged(account.balance_settings, change)
    if schedule := change["payments"].get("payouts", {}).get("schedule"):
        account.settings = merged(account.settings, {"payouts": {"schedule": schedule}})
        world.emit("account.updated", account.id, snapshot(world, account))
    return _settings(account.balance_settings)


def _settings(changes: Json) -> Json:
    return merged(_DEFAULT_SETTINGS, changes)


_DEFAULT_SETTINGS: Json = {
    "object": "balance_settings",
    "payments": {
        "debit_negative_balances": True,
        "payouts": {
            # no automatic_transfer_rules_by_currency: the SDK (16.1) breaks on a null there
            "minimum_balance_by_currency": None,
            "schedule": {"interval": "daily"},
            "statement_descriptor": None,
            "status": "enabled",
        },
        "settlement_timing": {"delay_days": 2},
    },
}

ROUTES = (
    Route("balance.retrieve", "GET", "/v1/balance", sdk.BalanceRetrieveParams, retrieve, models()),
    Route(
        "balance_settings.retrieve", "GET", "/v1/balance_settings", sdk.BalanceSettingsRetrieveParams,
        retrieve_settings, models(),
    ),
    Route(
        "balance_settings.update", "POST", "/v1/balance_settings", sdk.BalanceSettingsUpdateParams,
        update_settings, models("payments"),
    ),
    Route(
        "balance_transactions.retrieve", "GET", "/v1/balance_transactions/{id}",
        sdk.BalanceTransactionRetrieveParams, retrieve_line, models(),
    ),
    Route(
        "balance_transactions.list", "GET", "/v1/balance_transactions", sdk.BalanceTransactionListParams,
        list_lines, lists("created", "currency", "payout", "source", "type"),
    ),
)  # fmt: skip
