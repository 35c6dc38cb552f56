"""refunds: never more than was charged, and never what a bank has taken back already."""

import stripe.params as sdk

from libs.devstack.stripe_twin import disputing, refunding
from libs.devstack.stripe_twin.errors import StripeRefusal, invalid
from libs.devstack.stripe_twin.money import check_positive, shown
from libs.devstack.stripe_twin.objects.charge import Charge
from libs.devstack.stripe_twin.objects.refund import Refund
from libs.devstack.stripe_twin.routing import Call, Route, lists, models
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World


def create(world: World, call: Call) -> Refund:
    charge = _charge(world, call)
    amount_minor = call.params.get("amount", charge.refundable_minor)
    _check(world, charge, amount_minor)
    refund = Refund(
        id=world.new_id("re" if charge.by_card else "pyr"),
        owner=call.owner,
        created=world.clock.now(),
        amount_minor=amount_minor,
        currency=charge.currency,
        charge=charge.id,
        payment_intent=charge.payment_intent,
        payment_method=charge.payment_method.id if charge.payment_method else None,
        reason=call.params.get("reason"),
        metadata=dict(call.params.get("metadata", {})),
    )
    world.refunds.add(refund)
    refunding.begin(world, refund, charge)
    return refund


def cancel(world: World, call: Call) -> Refund:
    """Only refunds that wait for the buyer (`requires_action`) can be canceled: none of a card or a bank debit does."""
    world.refunds.get(call.owner, call.id)
    raise invalid("Canceling this refund is unsupported.")


def retrieve(world: World, call: Call) -> Refund:
    return world.refunds.get(call.owner, call.id)


def list_(world: World, call: Call) -> Json:
    return world.refunds.page(call.owner, call.params).render(call.path)


def _charge(world: World, call: Call) -> Charge:
    if charge_id := call.params.get("charge"):
        return world.charges.get(call.owner, charge_id)
    intent_id = call.params.get("payment_intent")
    if intent_id is None:
        raise invalid("One of the following params should be provided for this request: payment_intent or charge.")
    intent = world.payment_intents.get(call.owner, intent_id, "payment_intent")
    if intent.latest_charge is None:
        raise invalid(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.")
    return world.charges.get(call.owner, intent.latest_charge)


def _check(world: World, charge: Charge, amount_minor: int) -> None:
    if charge.status != "succeeded":
        raise invalid(f"Charge {charge.id} was not successful, so there is nothing to refund.")
    if disputing.charged_back(world, charge):
        raise invalid(f"Charge {charge.id} has been charged back; cannot issue a refund.", code="charge_disputed")
    if charge.refundable_minor == 0:
        raise invalid(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
    check_positive(amount_minor)
    if amount_minor > charge.refundable_minor:
        raise _too_much(charge, amount_minor)


def _too_much(charge: Charge, amount_minor: int) -> StripeRefusal:
    asked, left = shown(amount_minor, charge.currency), shown(charge.refundable_minor, charge.currency)
    return invalid(f"Refund amount ({asked}) is greater than unrefunded amount on charge ({left})", param="amount")


_PATH = "/v1/refunds"
ROUTES = (
    Route(
        "refunds.create", "POST", _PATH, sdk.RefundCreateParams, create,
        models("amount", "charge", "payment_intent", "reason", "metadata"),
    ),
    Route("refunds.retrieve", "GET", f"{_PATH}/{{refund}}", sdk.RefundRetrieveParams, retrieve, models()),
    Route("refunds.cancel", "POST", f"{_PATH}/{{refund}}/cancel", sdk.RefundCancelParams, cancel, models()),
    Route("refunds.list", "GET", _PATH, sdk.RefundListParams, list_, lists("created", "charge", "payment_intent")),
)  # fmt: skip
