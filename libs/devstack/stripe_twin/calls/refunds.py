"""refunds: never more than was charged, and only beyond the balance where the twin is set so."""

import stripe.params as sdk

from libs.devstack.stripe_twin.books import BUYERS, Place
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
    _check(charge, amount_minor)
    refund = Refund(
        id=world.new_id("re"),
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
    charge.amount_refunding_minor += amount_minor
    if _covered(world, refund, charge):
        _perform(world, refund, charge)
        world.emit("refund.created", refund.owner, refund)
        world.emit("charge.refunded", charge.owner, charge)
    else:
        world.waiting_refunds[refund.owner, refund.currency].append(refund)
        world.emit("refund.created", refund.owner, refund)
    return refund


def perform_waiting(world: World) -> None:
    """Perform the refunds that waited for funds, oldest first, as far as there are funds now."""
    for queue in world.waiting_refunds.values():
        while queue:
            charge = world.charges.get(queue[0].owner, queue[0].charge)
            if not _covered(world, queue[0], charge):
                break
            refund = queue.popleft()
            _perform(world, refund, charge)
            world.emit("refund.updated", refund.owner, refund)
            world.emit("charge.refunded", charge.owner, charge)


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


def _check(charge: Charge, amount_minor: int) -> None:
    if charge.status != "succeeded":
        raise invalid(f"Charge {charge.id} was not successful, so there is nothing to refund.")
    if charge.refundable_minor == 0:
        raise invalid(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
    check_positive(amount_minor)
    if amount_minor > charge.refundable_minor:
        raise _too_much(charge, amount_minor)


def _too_much(charge: Charge, amount_minor: int) -> StripeRefusal:
    asked, left = shown(amount_minor, charge.currency), shown(charge.refundable_minor, charge.currency)
    return invalid(f"Refund amount ({asked}) is greater than unrefunded amount on charge ({left})", param="amount")


def _covered(world: World, refund: Refund, charge: Charge) -> bool:
    if not world.config.refunds_wait_for_funds:
        return True
    funds_minor = world.books.balance(Place(refund.owner, "available"), refund.currency)
    if charge.available_on > world.clock.now():
        funds_minor += world.books.balance(Place(refund.owner, "pending"), refund.currency)
    return refund.amount_minor <= funds_minor


def _perform(world: World, refund: Refund, charge: Charge) -> None:
    # while the charge is pending its refund is too, so that both become available in the same moment
    place = world.place(refund.owner, charge.available_on)
    world.books.move("refund", place, BUYERS, refund.amount_minor, refund.currency)
    line = world.post(
        refund.owner, "refund", -refund.amount_minor, refund.currency, refund.id, available_on=charge.available_on
    )
    refund.balance_transaction = line.id
    refund.status = "succeeded"
    charge.amount_refunding_minor -= refund.amount_minor
    charge.amount_refunded_minor += refund.amount_minor


_PATH = "/v1/refunds"
ROUTES = (
    Route(
        "refunds.create", "POST", _PATH, sdk.RefundCreateParams, create,
        models("amount", "charge", "payment_intent", "reason", "metadata"),
    ),
    Route("refunds.retrieve", "GET", f"{_PATH}/{{refund}}", sdk.RefundRetrieveParams, retrieve, models()),
    Route("refunds.list", "GET", _PATH, sdk.RefundListParams, list_, lists("created", "charge", "payment_intent")),
)  # fmt: skip
