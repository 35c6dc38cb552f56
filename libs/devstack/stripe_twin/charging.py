"""What happens when a buyer pays: the issuer accepts, refuses, or asks for 3-D Secure."""

from typing import Any

from libs.devstack.stripe_twin.books import BUYERS, STRIPE
from libs.devstack.stripe_twin.errors import StripeRefusal, invalid
from libs.devstack.stripe_twin.objects.charge import Charge
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
    if not method.card.challenge:
        return collect(world, intent, method)
    if call.params.get("error_on_requires_action"):
        raise _fail(
            world, intent, method, None, code="authentication_required", message="This payment requires action."
        )
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
    _fail(world, intent, method, None, code=code, message=_AUTHENTICATION_FAILED)
    return intent


def collect(world: World, intent: PaymentIntent, method: PaymentMethod, *, challenged: bool = False) -> PaymentIntent:
    charge = _charge(world, intent, method, challenged=challenged)
    intent.latest_charge = charge.id
    intent.next_action = None
    if charge.refused:
        world.emit("charge.failed", charge.owner, charge)
        raise _fail(world, intent, method, charge, code=str(charge.refused.code), message=charge.refused.message)
    _take_money(world, charge, instant=method.card.instant)
    intent.status = "succeeded"
    intent.amount_received_minor = intent.amount_minor
    intent.last_payment_error = None
    world.emit("charge.succeeded", charge.owner, charge)
    world.emit("payment_intent.succeeded", intent.owner, intent)
    return intent


def _charge(world: World, intent: PaymentIntent, method: PaymentMethod, *, challenged: bool) -> Charge:
    refused = method.card if method.card.code else None
    return world.charges.add(
        Charge(
            id=world.new_id("ch"),
            owner=intent.owner,
            created=world.clock.now(),
            amount_minor=intent.amount_minor,
            currency=intent.currency,
            status="failed" if refused else "succeeded",
            refused=refused,
            payment_intent=intent.id,
            payment_method=method,
            challenged=challenged,
            transfer_group=intent.transfer_group,
            description=intent.description,
            receipt_email=intent.receipt_email,
            # Stripe copies the intent's metadata to its charges when they are made
            metadata=dict(intent.metadata),
        )
    )


def _take_money(world: World, charge: Charge, *, instant: bool) -> None:
    fee_minor = world.config.card_fee.on(charge.amount_minor)
    charge.available_on = world.clock.now() + (0 if instant else world.config.settlement_seconds)
    place = world.place(charge.owner, charge.available_on)
    world.books.move("charge", BUYERS, place, charge.amount_minor, charge.currency)
    world.books.move("fee", place, STRIPE, fee_minor, charge.currency)
    line = world.post(
        charge.owner,
        "charge",
        charge.amount_minor,
        charge.currency,
        charge.id,
        available_on=charge.available_on,
        fee_minor=fee_minor,
        description=charge.description,
    )
    charge.balance_transaction = line.id


def _fail(
    world: World, intent: PaymentIntent, method: PaymentMethod, charge: Charge | None, *, code: str, message: str
) -> StripeRefusal:
    """Put the intent back to waiting for another payment method, and word the refusal for whoever confirmed it."""
    decline_code = charge.refused.decline_code if charge and charge.refused else None
    facts: dict[str, Any] = {"code": code, "message": message, "type": "card_error"}
    facts |= {"decline_code": decline_code} if decline_code else {}
    traces: Json = {"payment_method": method.render()} | ({"charge": charge.id} if charge else {})
    intent.status = "requires_payment_method"
    intent.payment_method = None
    intent.last_payment_error = facts | traces
    world.emit("payment_intent.payment_failed", intent.owner, intent)
    extra = traces | {"payment_intent": intent.render()}
    return StripeRefusal(402, "card_error", message, code=code, decline_code=decline_code, extra=extra)


def _challenge(intent: PaymentIntent, call: Call) -> Json:
    url = f"{call.base_url}/_twin/payment_intents/{intent.id}/authenticate"
    if return_url := call.params.get("return_url"):
        return {"redirect_to_url": {"return_url": return_url, "url": url}, "type": "redirect_to_url"}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url}}
