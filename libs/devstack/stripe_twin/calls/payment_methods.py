"""payment_methods: cards and bank debits, by their test numbers or ready-made tokens."""

import stripe.params as sdk

from libs.devstack.stripe_twin.config import DAY_SECONDS
from libs.devstack.stripe_twin.errors import StripeRefusal, invalid, missing, unmodelled
from libs.devstack.stripe_twin.objects.cards import TEST_CARDS, TOKENS
from libs.devstack.stripe_twin.objects.debits import DEBIT_TOKENS, TEST_DEBITS
from libs.devstack.stripe_twin.objects.instruments import TestCard, TestDebit
from libs.devstack.stripe_twin.objects.payment_method import PaymentMethod
from libs.devstack.stripe_twin.routing import Call, Route, models
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World

_YEAR_SECONDS = 365 * DAY_SECONDS


def create(world: World, call: Call) -> PaymentMethod:
    kind = call.params.get("type")
    if kind not in _KINDS:
        raise unmodelled("payment methods other than cards and the debits of US and SEPA bank accounts", "type")
    method = _KINDS[kind](world, call)
    method.metadata = dict(call.params.get("metadata", {}))
    method.billing_details = dict(call.params.get("billing_details", {}))
    return method


def retrieve(world: World, call: Call) -> PaymentMethod:
    return world.payment_methods.get(call.owner, call.id)


def use(world: World, owner: str, method_id: str) -> PaymentMethod:
    """The payment method of that id; a ready-made token becomes a new one at every use, as at Stripe."""
    if debit := DEBIT_TOKENS.get(method_id):
        return _add(world, owner, debit)
    if method_id.startswith("pm_card_"):
        card = _by_token(method_id.removeprefix("pm_card_"), "payment_method", method_id)
        return _add(world, owner, card, *_default_expiry(world))
    return world.payment_methods.get(owner, method_id)


def _card(world: World, call: Call) -> PaymentMethod:
    given = call.params.get("card", {})
    if token := given.get("token"):
        card = _by_token(token.removeprefix("tok_"), "card[token]", token)
        return _add(world, call.owner, card, *_default_expiry(world))
    _check_given(given, "card", "number", "exp_month", "exp_year")
    return _add(world, call.owner, _by_number(given["number"]), given["exp_month"], given["exp_year"])


def _us_bank_account(world: World, call: Call) -> PaymentMethod:
    given = call.params.get("us_bank_account", {})
    _check_given(given, "us_bank_account", "account_number", "routing_number", "account_holder_type")
    return _add(world, call.owner, _debit(given["account_number"], "us_bank_account[account_number]"))


def _sepa_debit(world: World, call: Call) -> PaymentMethod:
    given = call.params.get("sepa_debit", {})
    _check_given(given, "sepa_debit", "iban")
    return _add(world, call.owner, _debit(given["iban"].replace(" ", ""), "sepa_debit[iban]"))


_KINDS = {"card": _card, "us_bank_account": _us_bank_account, "sepa_debit": _sepa_debit}


def _check_given(given: Json, kind: str, *names: str) -> None:
    for name in names:
        if name not in given:
            raise invalid(f"Missing required param: {kind}[{name}].", param=f"{kind}[{name}]", code="parameter_missing")


def _debit(number: str, param: str) -> TestDebit:
    if number not in TEST_DEBITS:
        raise unmodelled(f"bank accounts of buyers other than its test accounts ({', '.join(TEST_DEBITS)})", param)
    return TEST_DEBITS[number]


def _by_token(name: str, param: str, token: str) -> TestCard:
    if name not in TOKENS:
        raise missing("PaymentMethod", token, param)
    return TEST_CARDS[TOKENS[name]]


def _by_number(text: str) -> TestCard:
    number = text.replace(" ", "")
    if card := TEST_CARDS.get(number):
        return card
    if not number.isdigit() or _luhn(number) % 10:
        raise StripeRefusal(
            402, "card_error", "Your card number is incorrect.", code="incorrect_number", param="number"
        )
    raise StripeRefusal(
        402,
        "card_error",
        "Your card was declined. Your request was in test mode, but used a card that is none of the twin's test cards.",
        code="card_declined",
        decline_code="test_mode_live_card",
    )


def _luhn(number: str) -> int:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled)  # noqa: PLR2004  the digits of a two-digit number


def _default_expiry(world: World) -> tuple[int, int]:
    return 8, 1970 + world.clock.now() // _YEAR_SECONDS + 1


def _add(
    world: World, owner: str, instrument: TestCard | TestDebit, exp_month: int = 0, exp_year: int = 0
) -> PaymentMethod:
    return world.payment_methods.add(
        PaymentMethod(
            id=world.new_id("pm"),
            owner=owner,
            created=world.clock.now(),
            instrument=instrument,
            exp_month=exp_month,
            exp_year=exp_year,
        )
    )


_PATH = "/v1/payment_methods"
ROUTES = (
    Route(
        "payment_methods.create", "POST", _PATH, sdk.PaymentMethodCreateParams, create,
        models("type", "card", "us_bank_account", "sepa_debit", "metadata", "billing_details"), browser=True,
    ),
    Route("payment_methods.retrieve", "GET", f"{_PATH}/{{id}}", sdk.PaymentMethodRetrieveParams, retrieve, models()),
)  # fmt: skip
