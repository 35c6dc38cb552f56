"""What happens when a buyer's bank account is debited: days of processing, and then the bank's answer.

https://docs.stripe.com/payments/ach-direct-debit and https://docs.stripe.com/payments/sepa-debit
"""

from libs.devstack.stripe_twin.collecting import fail, make_charge, succeed
from libs.devstack.stripe_twin.errors import invalid
from libs.devstack.stripe_twin.objects.charge import Charge
from libs.devstack.stripe_twin.objects.instruments import TestDebit
from libs.devstack.stripe_twin.objects.payment_intent import PaymentIntent
from libs.devstack.stripe_twin.objects.payment_method import PaymentMethod
from libs.devstack.stripe_twin.routing import Call
from libs.devstack.stripe_twin.world import World


def begin(world: World, intent: PaymentIntent, method: PaymentMethod, debit: TestDebit) -> PaymentIntent:
    charge = make_charge(world, intent, method, "pending")
    intent.latest_charge = charge.id
    intent.status = "processing"
    world.emit("charge.pending", charge.owner, charge)
    world.emit("payment_intent.processing", intent.owner, intent)
    if not debit.stuck:
        due = world.clock.now() + world.config.debit_seconds
        world.agenda.at(due, lambda: _finish(world, intent, method, debit, charge))
    return intent


def check(intent: PaymentIntent, method: PaymentMethod, call: Call) -> None:
    """Refuse a confirmation that Stripe refuses before it begins: of the wrong currency, or without a mandate."""
    debit = method.instrument
    if not isinstance(debit, TestDebit):
        return
    if intent.currency != debit.currency:
        message = (
            f"The payment method type {debit.type} takes payments in {debit.currency} only; this PaymentIntent is in "
            f"{intent.currency}."
        )
        raise invalid(message, code="payment_intent_incompatible_payment_method", param="payment_method")
    # Stripe.js shows the mandate to the buyer and sends what they accepted by itself
    if not call.browser and "mandate_data" not in call.params:
        message = (
            f"This PaymentIntent requires a mandate, but no existing mandate was found for {debit.type}. Collect the "
            "customer's acceptance and pass it as `mandate_data`."
        )
        raise invalid(message, code="payment_intent_mandate_invalid", param="mandate_data")


def _finish(world: World, intent: PaymentIntent, method: PaymentMethod, debit: TestDebit, charge: Charge) -> None:
    if debit.code is None:
        succeed(world, intent, charge)
        return
    charge.status, charge.refused = "failed", debit
    world.emit("charge.failed", charge.owner, charge)
    # nobody waits for an exception by now; why is said by the charge, the intent's own code is a general one
    fail(world, intent, method, charge, code="payment_intent_payment_attempt_failed", message=debit.message)
