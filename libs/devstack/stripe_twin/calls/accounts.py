"""accounts: connected accounts, their capabilities, and links to Stripe's hosted onboarding."""

from typing import Any

import stripe.params as sdk

from libs.devstack.stripe_twin import banks
from libs.devstack.stripe_twin.books import PLATFORM
from libs.devstack.stripe_twin.errors import forbidden, invalid, unmodelled
from libs.devstack.stripe_twin.objects.account import CAPABILITIES, Account, merged
from libs.devstack.stripe_twin.onboarding import abilities, announce_change, snapshot
from libs.devstack.stripe_twin.routing import Call, Route, lists, models
from libs.devstack.stripe_twin.tables import Json, merge_metadata
from libs.devstack.stripe_twin.world import World

_LINK_SECONDS = 300
_EURO = frozenset(
    {
        "AT",
        "BE",
        "CY",
        "DE",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PT",
        "SI",
        "SK",
    }
)
_CURRENCY = {"US": "usd", "GB": "gbp", "CH": "chf", "JP": "jpy", "CA": "cad", "AU": "aud", "SE": "sek", "NO": "nok",
             "DK": "dkk", "PL": "pln", "CZ": "czk", "HU": "huf", "SG": "sgd", "HK": "hkd", "NZ": "nzd"}  # fmt: skip


def create(world: World, call: Call) -> Json:
    if call.owner != PLATFORM:
        raise forbidden("Only a platform can create accounts; leave out the Stripe-Account header.")
    country = call.params.get("country", "US").upper()
    currency = call.params.get("default_currency") or ("eur" if country in _EURO else _CURRENCY.get(country))
    if currency is None:
        raise unmodelled(f"accounts in country {country}", "country")
    kind, controller = _kind(call)
    account = Account(
        id=world.new_id("acct"),
        owner=PLATFORM,
        created=world.clock.now(),
        type=kind,
        controller=controller,
        country=country,
        default_currency=currency.lower(),
    )
    world.accounts.add(account)
    _apply(world, account, call)
    world.emit("account.updated", account.id, snapshot(world, account))
    return snapshot(world, account)


def retrieve(world: World, call: Call) -> Json:
    return snapshot(world, _own(world, call))


def update(world: World, call: Call) -> Json:
    account = _own(world, call)
    before = abilities(account)
    _apply(world, account, call)
    announce_change(world, account, before)
    return snapshot(world, account)


def list_(world: World, call: Call) -> Json:
    page = world.accounts.page(call.owner, call.params, lambda row: row.id not in world.disconnected)
    rows = [snapshot(world, row) for row in page.rows if isinstance(row, Account)]
    return page.render(call.path) | {"data": rows}


def create_link(world: World, call: Call) -> Json:
    account = world.reachable(world.account(call.params["account"]).id)
    now = world.clock.now()
    for name in ("return_url", "refresh_url"):
        if name not in call.params:
            raise invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")
    url = f"{call.base_url}/_twin/accounts/{account.id}/complete"
    return {"object": "account_link", "created": now, "expires_at": now + _LINK_SECONDS, "url": url}


def list_capabilities(world: World, call: Call) -> Json:
    account = _own(world, call)
    rows = [account.render_capability(name) for name in account.requested]
    return {"object": "list", "data": rows, "has_more": False, "url": call.path}


def retrieve_capability(world: World, call: Call) -> Json:
    return _own(world, call).render_capability(_modelled(call.ids[1]))


def _own(world: World, call: Call) -> Account:
    account = world.account(call.id)
    if call.owner not in (PLATFORM, account.id):
        raise forbidden(
            f"The provided key does not have access to account '{call.id}' (or that account does not exist).",
            code="account_invalid",
        )
    return world.reachable(account.id)


def _modelled(name: str) -> str:
    if name not in CAPABILITIES:
        raise unmodelled(f"the capability {name}", "capabilities")
    return name


def _apply(world: World, account: Account, call: Call) -> None:
    params = call.params
    for name, wish in params.get("capabilities", {}).items():
        if wish.get("requested"):
            account.requested.setdefault(_modelled(name), world.clock.now())
        else:
            account.requested.pop(name, None)
    account.email = params.get("email", account.email)
    account.business_type = params.get("business_type", account.business_type) or None
    account.business_profile |= params.get("business_profile", {})
    account.person |= params.get("individual", {}) | params.get("company", {})
    account.tos_acceptance |= _accepted(params.get("tos_acceptance", {}))
    account.settings = merged(account.settings, params.get("settings", {}))
    account.metadata = merge_metadata(account.metadata, params.get("metadata"))
    if external := params.get("external_account"):
        banks.replace(world, account, banks.details_of(external))
    banks.refresh(world, account)


def _accepted(terms: Json) -> Json:
    return {name: value for name, value in terms.items() if name in ("date", "ip", "user_agent", "service_agreement")}


def _kind(call: Call) -> tuple[str, Json]:
    """The account's type, and the controller properties that type stands for (or the other way round)."""
    wish = call.params.get("controller")
    if wish is None:
        kind = call.params.get("type")
        if kind is None:
            raise invalid("Missing required param: type or controller.", param="type", code="parameter_missing")
        return kind, _controller(kind, {})
    collects = wish.get("requirement_collection", "stripe")
    dashboard = wish.get("stripe_dashboard", {}).get("type", "full")
    kind = "custom" if collects == "application" else {"express": "express", "full": "standard"}.get(dashboard, "none")
    return kind, _controller(kind, wish)


def _controller(kind: str, wish: dict[str, Any]) -> Json:
    standard = kind == "standard"
    dashboard = {"standard": "full", "express": "express"}.get(kind, "none")
    controller: Json = {
        "type": "application",
        "is_controller": True,
        "fees": {"payer": "account" if standard else "application"},
        "losses": {"payments": "stripe" if standard else "application"},
        "requirement_collection": "application" if kind == "custom" else "stripe",
        "stripe_dashboard": {"type": dashboard},
    }
    return merged(controller, wish)


_PATH = "/v1/accounts"
_FACTS = ("business_profile", "business_type", "capabilities", "company", "default_currency", "email",
          "external_account", "individual", "metadata", "settings", "tos_acceptance")  # fmt: skip
ROUTES = (
    Route(
        "accounts.create", "POST", _PATH, sdk.AccountCreateParams, create,
        models("type", "controller", "country", *_FACTS),
    ),
    Route("accounts.list", "GET", _PATH, sdk.AccountListParams, list_, lists("created")),
    Route("accounts.retrieve", "GET", f"{_PATH}/{{account}}", sdk.AccountRetrieveParams, retrieve, models()),
    Route("accounts.update", "POST", f"{_PATH}/{{account}}", sdk.AccountUpdateParams, update, models(*_FACTS)),
    Route(
        "accounts.capabilities.list", "GET", f"{_PATH}/{{account}}/capabilities", sdk.AccountCapabilityListParams,
        list_capabilities, models(),
    ),
    Route(
        "accounts.capabilities.retrieve", "GET", f"{_PATH}/{{account}}/capabilities/{{capability}}",
        sdk.AccountCapabilityRetrieveParams, retrieve_capability, models(),
    ),
    Route(
        "account_links.create", "POST", "/v1/account_links", sdk.AccountLinkCreateParams, create_link,
        models("account", "refresh_url", "return_url", "type"),
    ),
)  # fmt: skip
