"""How a refund goes: at once, waiting for funds, on its way for days, or sent back by the buyer's bank.

https://docs.stripe.com/refunds and, for test cards, https://docs.stripe.com/testing#refunds
"""

from libs.devstack.stripe_twin import disputing, fraud
from libs.devstack.stripe_twin.books import BUYERS, Place
from libs.devstack.stripe_twin.errors import invalid
from libs.devstack.stripe_twin.objects.charge import Charge
from libs.devstack.stripe_twin.objects.refund import Refund
from libs.devstack.stripe_twin.world import World


def begin(world: World, refund: Refund, charge: Charge) -> None:
    """Take the money and send it, or wait until there is enough."""
    charge.amount_refunding_minor += refund.amount_minor
    if not _covered(world, refund, charge):
        refund.pending_reason = "insufficient_funds"
        world.waiting_refunds[refund.owner, refund.currency].append(refund)
        world.emit("refund.created", refund.owner, refund)
        return
    _send(world, refund, charge)
    world.emit("refund.created", refund.owner, refund)
    _tell_of_charge(world, charge)


def perform_waiting(world: World) -> None:
    """Perform the refunds that waited for funds, oldest first, as far as there are funds now."""
    for queue in world.waiting_refunds.values():
        for refund in [one for one in queue if disputing.charged_back(world, _charge(world, one))]:
            fail(world, refund, "charge_for_pending_refund_disputed")
        while queue and _covered(world, queue[0], charge := _charge(world, queue[0])):
            refund = queue.popleft()
            _send(world, refund, charge)
            _tell_of_refund(world, refund)
            _tell_of_charge(world, charge)


def fail(world: World, refund: Refund, reason: str) -> Refund:
    """The buyer does not get the money: it returns to the balance, and the charge may be refunded again."""
    if refund.status == "failed":
        raise invalid(f"Refund {refund.id} has failed already.")
    if refund.payment_method is None:
        raise invalid(f"Refund {refund.id} is what a seller sees of a reversal: no buyer's bank can send it back.")
    charge = _charge(world, refund)
    if refund.balance_transaction:
        _give_back(world, refund, charge)
    else:
        world.waiting_refunds[refund.owner, refund.currency].remove(refund)
        charge.amount_refunding_minor -= refund.amount_minor
    refund.status, refund.failure_reason, refund.pending_reason = "failed", reason, None
    world.emit("refund.failed", refund.owner, refund)
    _tell_of_refund(world, refund)
    return refund


def _charge(world: World, refund: Refund) -> Charge:
    return world.charges.get(refund.owner, refund.charge)


def _covered(world: World, refund: Refund, charge: Charge) -> bool:
    if not world.config.refunds_wait_for_funds:
        return True
    funds_minor = world.books.balance(Place(refund.owner, "available"), refund.currency)
    if charge.available_on > world.clock.now():
        funds_minor += world.books.balance(Place(refund.owner, "pending"), refund.currency)
    return refund.amount_minor <= funds_minor


def _send(world: World, refund: Refund, charge: Charge) -> None:
    # while the charge is pending its refund is too, so that both become available in the same moment
    place = world.place(refund.owner, charge.available_on)
    world.books.move("refund", place, BUYERS, refund.amount_minor, refund.currency)
    line = world.post(
        refund.owner, "refund" if charge.by_card else "payment_refund", -refund.amount_minor, refund.currency,
        refund.id, available_on=charge.available_on,
    )  # fmt: skip
    refund.balance_transaction = line.id
    charge.amount_refunding_minor -= refund.amount_minor
    charge.amount_refunded_minor += refund.amount_minor
    course = charge.payment_method.instrument.refunds if charge.payment_method else "succeeds"
    refund.status = "pending" if course == "pending" else "succeeded"
    refund.pending_reason = "processing" if course == "pending" else None
    if course != "succeeds":
        world.agenda.at(world.clock.now() + world.config.refund_seconds, lambda: _end(world, refund, charge))


def _end(world: World, refund: Refund, charge: Charge) -> None:
    """The buyer's bank has taken the refund, or it has not."""
    if refund.status == "succeeded":
        fail(world, refund, "expired_or_canceled_card")
    elif refund.status == "pending" and disputing.charged_back(world, charge):
        fail(world, refund, "charge_for_pending_refund_disputed")
    elif refund.status == "pending":
        refund.status, refund.pending_reason = "succeeded", None
        _tell_of_refund(world, refund)


def _give_back(world: World, refund: Refund, charge: Charge) -> None:
    place = world.place(refund.owner, charge.available_on)
    world.books.move("refund_failed", BUYERS, place, refund.amount_minor, refund.currency)
    line = world.post(
        refund.owner, "refund_failure", refund.amount_minor, refund.currency, refund.id,
        available_on=charge.available_on,
    )  # fmt: skip
    refund.failure_balance_transaction = line.id
    charge.amount_refunded_minor -= refund.amount_minor


def _tell_of_refund(world: World, refund: Refund) -> None:
    world.emit("charge.refund.updated", refund.owner, refund)
    world.emit("refund.updated", refund.owner, refund)


def _tell_of_charge(world: World, charge: Charge) -> None:
    world.emit("charge.refunded", charge.owner, charge)
    if charge.amount_refunded_minor == charge.amount_minor:
        disputing.end_inquiries(world, charge)
        fraud.look_again(world, charge)
