"""What an attempt to collect leads to, by card or by bank debit: a charge, its money, or a failed intent."""

from typing import Any

from libs.devstack.stripe_twin import disputing, fraud
from libs.devstack.stripe_twin.books import BUYERS, STRIPE
from libs.devstack.stripe_twin.errors import StripeRefusal
from libs.devstack.stripe_twin.objects.charge import Charge, ChargeStatus
from libs.devstack.stripe_twin.objects.instruments import TestCard
from libs.devstack.stripe_twin.objects.payment_intent import PaymentIntent
from libs.devstack.stripe_twin.objects.payment_method import PaymentMethod
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World


def make_charge(
    world: World, intent: PaymentIntent, method: PaymentMethod, status: ChargeStatus, *, challenged: bool = False
) -> Charge:
    """A charge for all that the intent asks for; no money moves yet."""
    return world.charges.add(
        Charge(
            id=world.new_id("ch" if method.type == "card" else "py"),
            owner=intent.owner,
            created=world.clock.now(),
            amount_minor=intent.amount_minor,
            currency=intent.currency,
            status=status,
            refused=method.instrument if status == "failed" else None,
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


def succeed(world: World, intent: PaymentIntent, charge: Charge, *, instant: bool = False) -> PaymentIntent:
    """The buyer's money arrives, and whatever the test number brings about follows."""
    charge.status = "succeeded"
    _take_money(world, charge, instant=instant)
    intent.status = "succeeded"
    intent.amount_received_minor = intent.amount_minor
    intent.last_payment_error = None
    world.emit("charge.succeeded", charge.owner, charge)
    world.emit("payment_intent.succeeded", intent.owner, intent)
    _plan_trouble(world, charge)
    return intent


def _plan_trouble(world: World, charge: Charge) -> None:
    instrument = charge.payment_method.instrument if charge.payment_method else None
    due = world.clock.now() + world.config.trouble_seconds
    if isinstance(instrument, TestCard) and instrument.warned:
        world.agenda.at(due, lambda: _warn(world, charge))
    if instrument and instrument.contested:
        reason, inquiry = instrument.contested, isinstance(instrument, TestCard) and instrument.inquiry
        world.agenda.at(due, lambda: _contest(world, charge, reason, inquiry=inquiry))


def _warn(world: World, charge: Charge) -> None:
    fraud.warn(world, charge)


def _contest(world: World, charge: Charge, reason: str, *, inquiry: bool) -> None:
    if not world.disputes.where(charge.owner, "charge", charge.id):
        disputing.open_dispute(world, charge, charge.amount_minor, reason, inquiry=inquiry)


def _take_money(world: World, charge: Charge, *, instant: bool) -> None:
    fee_minor = world.config.card_fee.on(charge.amount_minor)
    charge.available_on = world.clock.now() + (0 if instant else world.config.settlement_seconds)
    place = world.place(charge.owner, charge.available_on)
    world.books.move("charge", BUYERS, place, charge.amount_minor, charge.currency)
    world.books.move("fee", place, STRIPE, fee_minor, charge.currency)
    line = world.post(
        charge.owner,
        "charge" if charge.by_card else "payment",
        charge.amount_minor,
        charge.currency,
        charge.id,
        available_on=charge.available_on,
        fee_minor=fee_minor,
        description=charge.description,
    )
    charge.balance_transaction = line.id


def fail(
    world: World, intent: PaymentIntent, method: PaymentMethod, charge: Charge | None, *, code: str, message: str
) -> StripeRefusal:
    """Put the intent back to waiting for another payment method, and word the refusal for whoever confirmed it."""
    decline_code = charge.refused.decline_code if charge and charge.refused else None
    kind = "card_error" if method.type == "card" else "invalid_request_error"
    facts: dict[str, Any] = {"code": code, "message": message, "type": kind}
    facts |= {"decline_code": decline_code} if decline_code else {}
    traces: Json = {"payment_method": method.render()} | ({"charge": charge.id} if charge else {})
    intent.status = "requires_payment_method"
    intent.payment_method = None
    intent.last_payment_error = facts | traces
    world.emit("payment_intent.payment_failed", intent.owner, intent)
    extra = traces | {"payment_intent": intent.render()}
    return StripeRefusal(402, kind, message, code=code, decline_code=decline_code, extra=extra)
