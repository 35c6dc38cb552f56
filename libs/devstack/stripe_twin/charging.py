"""What happens when a buyer pays by card: the issuer accepts, refuses, or asks for 3-D Secure."""

from libs.devstack.stripe_twin import debiting
from libs.devstack.stripe_twin.collecting import fail, make_charge, succeed
from libs.devstack.stripe_twin.errors import invalid
from libs.devstack.stripe_twin.objects.instruments import TestCard, TestDebit
from libs.devstack.stripe_twin.objects.payment_intent import PaymentIntent
from libs.devstack.stripe_twin.objects.payment_method import PaymentMethod
from libs.devstack.stripe_twin.routing import Call
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World

_AUTHENTICATION_FAILED = (
    "We are unable to authenticate your payment method. Please choose a different payment method and try again."
)


def attempt(world: World, intent: PaymentIntent, call: Call) -> PaymentIntent:
    """Try to collect with the intent's payment method; a refused card raises after its traces are recorded."""
    if intent.payment_method is None:
        message = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method or ConfirmationToken."
        )
        extra = {"payment_intent": intent.render()}
        raise invalid(message, code="payment_intent_unexpected_state", extra=extra)
    method = world.payment_methods.get(intent.owner, intent.payment_method)
    if isinstance(method.instrument, TestDebit):
        return debiting.begin(world, intent, method, method.instrument)
    if not method.instrument.challenge:
        return collect(world, intent, method)
    if call.params.get("error_on_requires_action"):
        raise fail(world, intent, method, None, code="authentication_required", message="This payment requires action.")
    intent.status = "requires_action"
    intent.next_action = _challenge(intent, call)
    world.emit("payment_intent.requires_action", intent.owner, intent)
    return intent


def authenticate(world: World, intent: PaymentIntent, *, succeeds: bool) -> PaymentIntent:
    """What the buyer does with the 3-D Secure challenge."""
    if intent.status != "requires_action" or intent.payment_method is None:
        raise invalid(f"{intent.id} waits for no authentication: its status is {intent.status}.")
    method = world.payment_methods.get(intent.owner, intent.payment_method)
    intent.next_action = None
    if succeeds:
        return collect(world, intent, method, challenged=True)
    code = "payment_intent_authentication_failure"
    # no charge was tried, and it was the buyer's browser that failed: nobody is waiting for an exception
    fail(world, intent, method, None, code=code, message=_AUTHENTICATION_FAILED)
    return intent


def collect(world: World, intent: PaymentIntent, method: PaymentMethod, *, challenged: bool = False) -> PaymentIntent:
    card = method.instrument
    charge = make_charge(world, intent, method, "failed" if card.code else "succeeded", challenged=challenged)
    intent.latest_charge = charge.id
    intent.next_action = None
    if card.code:
        world.emit("charge.failed", charge.owner, charge)
        raise fail(world, intent, method, charge, code=card.code, message=card.message)
    return succeed(world, intent, charge, instant=isinstance(card, TestCard) and card.instant)


def _challenge(intent: PaymentIntent, call: Call) -> Json:
    url = f"{call.base_url}/_twin/payment_intents/{intent.id}/authenticate"
    if return_url := call.params.get("return_url"):
        return {"redirect_to_url": {"return_url": return_url, "url": url}, "type": "redirect_to_url"}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url}}
