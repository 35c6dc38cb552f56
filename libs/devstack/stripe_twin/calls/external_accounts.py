"""accounts.external_accounts: the bank accounts that payouts go to."""

import stripe.params as sdk

from libs.devstack.stripe_twin import banks
from libs.devstack.stripe_twin.objects.bank_account import BankAccount
from libs.devstack.stripe_twin.onboarding import abilities, announce_change
from libs.devstack.stripe_twin.routing import Call, Route, lists, models
from libs.devstack.stripe_twin.tables import Json, merge_metadata
from libs.devstack.stripe_twin.world import World


def create(world: World, call: Call) -> BankAccount:
    account = world.reachable(call.id)
    before = abilities(account)
    details = banks.details_of(call.params["external_account"])
    bank = banks.add(world, account, details, make_default=call.params.get("default_for_currency", False))
    bank.metadata = dict(call.params.get("metadata", {}))
    announce_change(world, account, before)
    return bank


def retrieve(world: World, call: Call) -> BankAccount:
    account_id, bank_id = call.ids
    world.reachable(account_id)
    return world.bank_accounts.get(account_id, bank_id)


def update(world: World, call: Call) -> BankAccount:
    account_id, bank_id = call.ids
    account, bank = world.reachable(account_id), world.bank_accounts.get(account_id, bank_id)
    before = abilities(account)
    bank.metadata = merge_metadata(bank.metadata, call.params.get("metadata"))
    if call.params.get("default_for_currency"):
        for other in world.bank_accounts.all(account_id):
            other.default_for_currency = other.default_for_currency and other.currency != bank.currency
        bank.default_for_currency = True
    world.emit("account.external_account.updated", account_id, bank)
    announce_change(world, account, before)
    return bank


def list_(world: World, call: Call) -> Json:
    account = world.reachable(call.id)
    filters = {name: value for name, value in call.params.items() if name != "object"}
    return world.bank_accounts.page(account.id, filters, lambda bank: not bank.deleted).render(call.path)


_PATH = "/v1/accounts/{account}/external_accounts"
ROUTES = (
    Route(
        "accounts.external_accounts.create", "POST", _PATH, sdk.AccountExternalAccountCreateParams, create,
        models("external_account", "default_for_currency", "metadata"),
    ),
    Route(
        "accounts.external_accounts.retrieve", "GET", f"{_PATH}/{{id}}", sdk.AccountExternalAccountRetrieveParams,
        retrieve, models(),
    ),
    Route(
        "accounts.external_accounts.update", "POST", f"{_PATH}/{{id}}", sdk.AccountExternalAccountUpdateParams,
        update, models("default_for_currency", "metadata"),
    ),
    Route(
        "accounts.external_accounts.list", "GET", _PATH, sdk.AccountExternalAccountListParams, list_, lists("object")
    ),
)  # fmt: skip
