"""payment_methods: cards by their test numbers or ready-made tokens."""

import stripe.params as sdk

from libs.devstack.stripe_twin.config import DAY_SECONDS
from libs.devstack.stripe_twin.errors import StripeRefusal, invalid, missing, unmodelled
from libs.devstack.stripe_twin.objects.payment_method import TEST_CARDS, TOKENS, PaymentMethod, TestCard
from libs.devstack.stripe_twin.routing import Call, Route, models
from libs.devstack.stripe_twin.world import World

_YEAR_SECONDS = 365 * DAY_SECONDS


def create(world: World, call: Call) -> PaymentMethod:
    if call.params.get("type") != "card":
        raise unmodelled("payment methods other than cards", "type")
    given = call.params.get("card", {})
    if token := given.get("token"):
        card = _by_token(token.removeprefix("tok_"), "card[token]", token)
        return _add(world, call.owner, card, *_default_expiry(world))
    for name in ("number", "exp_month", "exp_year"):
        if name not in given:
            raise invalid(f"Missing required param: card[{name}].", param=f"card[{name}]", code="parameter_missing")
    method = _add(world, call.owner, _by_number(given["number"]), given["exp_month"], given["exp_year"])
    method.metadata = dict(call.params.get("metadata", {}))
    method.billing_details = dict(call.params.get("billing_details", {}))
    return method


def retrieve(world: World, call: Call) -> PaymentMethod:
    return world.payment_methods.get(call.owner, call.id)


def use(world: World, owner: str, method_id: str) -> PaymentMethod:
    """The payment method of that id; a ready-made `pm_card_...` token becomes a new one at every use, as at Stripe."""
    if method_id.startswith("pm_card_"):
        card = _by_token(method_id.removeprefix("pm_card_"), "payment_method", method_id)
        return _add(world, owner, card, *_default_expiry(world))
    return world.payment_methods.get(owner, method_id)


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


def _add(world: World, owner: str, card: TestCard, exp_month: int, exp_year: int) -> PaymentMethod:
    return world.payment_methods.add(
        PaymentMethod(
            id=world.new_id("pm"),
            owner=owner,
            created=world.clock.now(),
            card=card,
            exp_month=exp_month,
            exp_year=exp_year,
        )
    )


_PATH = "/v1/payment_methods"
ROUTES = (
    Route(
        "payment_methods.create", "POST", _PATH, sdk.PaymentMethodCreateParams, create,
        models("type", "card", "metadata", "billing_details"), browser=True,
    ),
    Route("payment_methods.retrieve", "GET", f"{_PATH}/{{id}}", sdk.PaymentMethodRetrieveParams, retrieve, models()),
)  # fmt: skip
