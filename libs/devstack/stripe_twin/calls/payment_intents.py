"""payment_intents: create, confirm (by the platform or the buyer's browser), cancel, find."""

import re
from collections.abc import Callable

import stripe.params as sdk

from libs.devstack.stripe_twin import charging, debiting
from libs.devstack.stripe_twin.calls import payment_methods
from libs.devstack.stripe_twin.errors import forbidden, invalid, unmodelled
from libs.devstack.stripe_twin.money import check_charge_amount, currency_of
from libs.devstack.stripe_twin.objects.payment_intent import PaymentIntent
from libs.devstack.stripe_twin.routing import Call, Route, lists, models
from libs.devstack.stripe_twin.tables import Json, Page
from libs.devstack.stripe_twin.world import World

_CANCELABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_CONFIRMABLE = ("requires_payment_method", "requires_confirmation")


def create(world: World, call: Call) -> PaymentIntent:
    params = call.params
    currency = currency_of(params["currency"])
    check_charge_amount(params["amount"], currency)
    _check_modelled(call)
    if call.owner in world.accounts and not world.account(call.owner).charges_enabled:
        raise invalid("Your account cannot currently make live charges.", code="account_invalid")
    intent_id = world.new_id("pi")
    intent = PaymentIntent(
        id=intent_id,
        owner=call.owner,
        created=world.clock.now(),
        amount_minor=params["amount"],
        currency=currency,
        client_secret=f"{intent_id}_{world.new_id('secret')}",
        transfer_group=params.get("transfer_group"),
        description=params.get("description"),
        receipt_email=params.get("receipt_email"),
        statement_descriptor=params.get("statement_descriptor"),
        statement_descriptor_suffix=params.get("statement_descriptor_suffix"),
        allow_redirects=params.get("automatic_payment_methods", {}).get("allow_redirects", "always"),
        metadata=dict(params.get("metadata", {})),
    )
    if params.get("confirm"):
        _check_return_url(intent, call)
    if "payment_method" in params:
        method = payment_methods.use(world, call.owner, params["payment_method"])
        intent.payment_method, intent.status = method.id, "requires_confirmation"
        if params.get("confirm"):
            debiting.check(intent, method, call)
    world.payment_intents.add(intent)
    world.emit("payment_intent.created", intent.owner, intent)
    if params.get("confirm"):
        charging.attempt(world, intent, call)
    return intent


def retrieve(world: World, call: Call) -> Json | PaymentIntent:
    intent = world.payment_intents.get(call.owner, call.id)
    _check_secret(intent, call.client_secret or call.params.get("client_secret"), browser=call.browser)
    return intent


def list_(world: World, call: Call) -> Json:
    return world.payment_intents.page(call.owner, call.params).render(call.path)


def search(world: World, call: Call) -> Json:
    """Stripe's search, for `status`, `currency` and `metadata["..."]` equalities joined by AND.

    At Stripe a new object is found within a minute; here at once. So a caller must not conclude from an empty answer
    that a call just made had no effect.
    """
    keep = _matcher(call.params["query"])
    wanted = [intent for intent in world.payment_intents.all(call.owner) if keep(intent)]
    limit = call.params.get("limit", 10)
    answer = Page(wanted[::-1][:limit], len(wanted) > limit).render(call.path)
    return answer | {"object": "search_result", "next_page": None}


def confirm(world: World, call: Call) -> PaymentIntent:
    intent = world.payment_intents.get(call.owner, call.id)
    _check_secret(intent, call.client_secret, browser=call.browser)
    _check_modelled(call)
    if intent.status not in _CONFIRMABLE:
        raise _unexpected_state(intent, "confirm", _CONFIRMABLE)
    _check_return_url(intent, call)
    if "payment_method" in call.params:
        method = payment_methods.use(world, call.owner, call.params["payment_method"])
        debiting.check(intent, method, call)
        intent.payment_method = method.id
    elif intent.payment_method:
        debiting.check(intent, world.payment_methods.get(call.owner, intent.payment_method), call)
    if "receipt_email" in call.params:
        intent.receipt_email = call.params["receipt_email"] or None
    return charging.attempt(world, intent, call)


def cancel(world: World, call: Call) -> PaymentIntent:
    intent = world.payment_intents.get(call.owner, call.id)
    if intent.status not in _CANCELABLE:
        raise _unexpected_state(intent, "cancel", _CANCELABLE)
    intent.status = "canceled"
    intent.canceled_at = world.clock.now()
    intent.cancellation_reason = call.params.get("cancellation_reason")
    intent.next_action = None
    world.emit("payment_intent.canceled", intent.owner, intent)
    return intent


def _check_modelled(call: Call) -> None:
    if call.params.get("capture_method", "automatic") == "manual":
        raise unmodelled("manual capture", "capture_method")
    if not call.params.get("automatic_payment_methods", {}).get("enabled", True):
        raise unmodelled("PaymentIntents without automatic payment methods", "automatic_payment_methods[enabled]")


def _check_secret(intent: PaymentIntent, secret: str | None, *, browser: bool) -> None:
    if (browser or secret is not None) and secret != intent.client_secret:
        raise forbidden("The client_secret provided does not match any associated PaymentIntent on this account.")


def _check_return_url(intent: PaymentIntent, call: Call) -> None:
    """Stripe cannot redirect a buyer nowhere; Stripe.js brings its own way (`use_stripe_sdk`)."""
    ways = (intent.allow_redirects == "never", "return_url" in call.params, call.params.get("use_stripe_sdk"))
    if not any(ways):
        message = (
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
            "these payment methods might redirect your customer off of your page, you must provide a `return_url`. If "
            "you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to "
            "`true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and "
            "Payment Intents."
        )
        raise invalid(message)


def _unexpected_state(intent: PaymentIntent, verb: str, allowed: tuple[str, ...]) -> Exception:
    message = (
        f"You cannot {verb} this PaymentIntent because it has a status of {intent.status}. "
        f"Only a PaymentIntent with one of the following statuses may be {verb}ed: {', '.join(allowed)}."
    )
    return invalid(message, code="payment_intent_unexpected_state", extra={"payment_intent": intent.render()})


_CLAUSE = re.compile(
    r"""\s*(?:metadata\[["'](?P<key>[^"']+)["']\]|(?P<field>status|currency)):["'](?P<value>[^"']*)["']\s*"""
)


def _matcher(query: str) -> Callable[[PaymentIntent], bool]:
    clauses = [_CLAUSE.fullmatch(part) for part in query.split(" AND ")]
    if not all(clauses):
        raise unmodelled(f"the search query {query!r}", "query")

    def keep(intent: PaymentIntent) -> bool:
        return all(
            clause["value"]
            == (intent.metadata.get(clause["key"]) if clause["key"] else getattr(intent, clause["field"]))
            for clause in clauses
            if clause
        )

    return keep


_PATH = "/v1/payment_intents"
_CONFIRM = ("payment_method", "return_url", "use_stripe_sdk", "receipt_email", "error_on_requires_action",
            "mandate_data")  # fmt: skip
_SECRET = frozenset({"client_secret", "key"})
ROUTES = (
    Route(
        "payment_intents.create", "POST", _PATH, sdk.PaymentIntentCreateParams, create,
        models(
            "amount", "currency", "automatic_payment_methods", "capture_method", "confirm", "description", "metadata",
            "statement_descriptor", "statement_descriptor_suffix", "transfer_group", *_CONFIRM,
        ),
    ),
    Route(
        "payment_intents.search", "GET", f"{_PATH}/search", sdk.PaymentIntentSearchParams, search,
        models("query", "limit"),
    ),
    Route(
        "payment_intents.retrieve", "GET", f"{_PATH}/{{intent}}", sdk.PaymentIntentRetrieveParams, retrieve,
        models("client_secret"), browser=True, extra_params=frozenset({"key"}),
    ),
    Route("payment_intents.list", "GET", _PATH, sdk.PaymentIntentListParams, list_, lists("created")),
    Route(
        "payment_intents.confirm", "POST", f"{_PATH}/{{intent}}/confirm", sdk.PaymentIntentConfirmParams, confirm,
        models("capture_method", *_CONFIRM), browser=True, extra_params=_SECRET,
    ),
    Route(
        "payment_intents.cancel", "POST", f"{_PATH}/{{intent}}/cancel", sdk.PaymentIntentCancelParams, cancel,
        models("cancellation_reason"),
    ),
)  # fmt: skip
