"""How a dispute goes: opened, answered, decided, or never answered (https://docs.stripe.com/disputes).

A chargeback takes its amount and a fee at once, from the balance, whatever was refunded before. Won, the amount comes
back and the fee does not. An inquiry takes nothing, unless it becomes a chargeback.
"""

from libs.devstack.stripe_twin import fraud
from libs.devstack.stripe_twin.books import BUYERS, STRIPE
from libs.devstack.stripe_twin.config import DAY_SECONDS
from libs.devstack.stripe_twin.errors import invalid
from libs.devstack.stripe_twin.objects.charge import Charge
from libs.devstack.stripe_twin.objects.dispute import Dispute, DisputeStatus
from libs.devstack.stripe_twin.objects.instruments import TestCard
from libs.devstack.stripe_twin.world import World


def open_dispute(
    world: World, charge: Charge, amount_minor: int | None = None, reason: str = "fraudulent", *, inquiry: bool = False
) -> Dispute:
    """The buyer's bank contests the charge, or that much of it. Bank debits cannot be defended: lost at once."""
    amount_minor = charge.amount_minor if amount_minor is None else amount_minor
    _check(world, charge, amount_minor, inquiry=inquiry)
    card = charge.payment_method.instrument if charge.payment_method else None
    brand = card.brand if isinstance(card, TestCard) else None
    dispute = Dispute(
        id=world.new_id("du"),
        owner=charge.owner,
        created=world.clock.now(),
        amount_minor=amount_minor,
        currency=charge.currency,
        charge=charge.id,
        payment_intent=charge.payment_intent,
        reason=reason,
        status="warning_needs_response" if inquiry else "needs_response" if brand else "lost",
        brand=brand,
        due_by=_answer_by(world) if brand else None,
    )
    world.disputes.add(dispute)
    charge.disputed = True
    if dispute.holds_money:
        _withdraw(world, dispute, charge)
    world.emit("charge.dispute.created", dispute.owner, dispute)
    if dispute.holds_money:
        world.emit("charge.dispute.funds_withdrawn", dispute.owner, dispute)
    if brand:
        _plan(world, dispute)
    else:
        world.emit("charge.dispute.closed", dispute.owner, dispute)
    fraud.look_again(world, charge)
    return dispute


def submit(world: World, dispute: Dispute) -> None:
    """The evidence goes to the bank. Three texts that Stripe documents for tests decide; others wait for a decision."""
    dispute.submissions += 1
    _become(world, dispute, "warning_under_review" if dispute.is_inquiry else "under_review")
    text = dispute.evidence.get("uncategorized_text")
    due = world.clock.now() + world.config.dispute_review_seconds
    if text in ("winning_evidence", "losing_evidence"):
        world.agenda.at(due, lambda: _decide_unless_closed(world, dispute, won=text == "winning_evidence"))
    elif text == "escalate_inquiry_evidence" and dispute.is_inquiry:
        world.agenda.at(due, lambda: _escalate_unless_closed(world, dispute))


def decide(world: World, dispute: Dispute, *, won: bool) -> Dispute:
    """The bank's decision, or (lost) the seller's acceptance. An inquiry just ends, whoever was right."""
    check_open(dispute)
    if dispute.is_inquiry:
        return _close(world, dispute, "warning_closed")
    if not won:
        return _close(world, dispute, "lost")
    charge = world.charges.get(dispute.owner, dispute.charge)
    place = world.place(dispute.owner, charge.available_on)
    world.books.move("dispute_won", BUYERS, place, dispute.amount_minor, dispute.currency)
    line = world.post(
        dispute.owner, "adjustment", dispute.amount_minor, dispute.currency, dispute.id,
        available_on=charge.available_on, description=f"Chargeback reversal for {charge.id}",
    )  # fmt: skip
    dispute.lines.append(line)
    _close(world, dispute, "won")
    world.emit("charge.dispute.funds_reinstated", dispute.owner, dispute)
    return dispute


def escalate(world: World, dispute: Dispute) -> Dispute:
    """An inquiry becomes a chargeback of the same id, with a new time to answer."""
    check_open(dispute)
    if not dispute.is_inquiry:
        raise invalid(f"Dispute {dispute.id} is {dispute.status}: only an inquiry can become a chargeback.")
    dispute.due_by, dispute.past_due = _answer_by(world), False
    _withdraw(world, dispute, world.charges.get(dispute.owner, dispute.charge))
    _become(world, dispute, "needs_response")
    world.emit("charge.dispute.funds_withdrawn", dispute.owner, dispute)
    _plan(world, dispute)
    return dispute


def check_open(dispute: Dispute) -> None:
    if not dispute.is_open:
        raise invalid("This dispute is already closed")


def charged_back(world: World, charge: Charge) -> bool:
    """Whether the buyer's bank took (part of) the charge and has not returned it: then nobody refunds it besides."""
    return any(dispute.holds_money for dispute in world.disputes.where(charge.owner, "charge", charge.id))


def end_inquiries(world: World, charge: Charge) -> None:
    """A refund in full answers whatever the bank asked."""
    for dispute in world.disputes.where(charge.owner, "charge", charge.id):
        if dispute.is_open and dispute.is_inquiry:
            _close(world, dispute, "warning_closed")


def _check(world: World, charge: Charge, amount_minor: int, *, inquiry: bool) -> None:
    if charge.status != "succeeded" or charge.payment_method is None:
        raise invalid(f"Charge {charge.id} took no buyer's money, so no bank can contest it.")
    if inquiry and not charge.by_card:
        raise invalid(f"Charge {charge.id} is a bank debit: those are disputed without an inquiry.")
    others = world.disputes.where(charge.owner, "charge", charge.id)
    left_minor = charge.amount_minor - sum(d.amount_minor for d in others if d.is_open or d.holds_money)
    if not 1 <= amount_minor <= left_minor:
        raise invalid(f"Charge {charge.id} has {left_minor} (minor units) undisputed; contest from 1 up to that.")


def _answer_by(world: World) -> int:
    day = world.clock.now() // DAY_SECONDS + world.config.dispute_answer_days
    return (day + 1) * DAY_SECONDS - 1


def _withdraw(world: World, dispute: Dispute, charge: Charge) -> None:
    # while the charge is pending so is its loss: both become available in the same moment
    place, fee_minor = world.place(dispute.owner, charge.available_on), world.config.dispute_fee_minor
    world.books.move("dispute", place, BUYERS, dispute.amount_minor, dispute.currency)
    world.books.move("dispute_fee", place, STRIPE, fee_minor, dispute.currency)
    line = world.post(
        dispute.owner, "adjustment", -dispute.amount_minor, dispute.currency, dispute.id, fee_minor=fee_minor,
        available_on=charge.available_on, description=f"Chargeback withdrawal for {charge.id}",
    )  # fmt: skip
    dispute.lines.append(line)


def _plan(world: World, dispute: Dispute) -> None:
    """What happens if nobody does anything."""
    due_by = dispute.due_by
    if due_by is not None:
        world.agenda.at(due_by + 1, lambda: _miss(world, dispute, due_by))
    if dispute.is_inquiry:
        world.agenda.at(dispute.created + world.config.inquiry_seconds, lambda: _expire(world, dispute))


def _miss(world: World, dispute: Dispute, due_by: int) -> None:
    if dispute.due_by != due_by or not dispute.awaits_answer:
        return
    dispute.past_due = True
    if dispute.is_inquiry:
        world.emit("charge.dispute.updated", dispute.owner, dispute)
    else:
        _close(world, dispute, "lost")


def _expire(world: World, dispute: Dispute) -> None:
    if dispute.is_inquiry and dispute.is_open:
        _close(world, dispute, "warning_closed")


def _decide_unless_closed(world: World, dispute: Dispute, *, won: bool) -> None:
    if dispute.is_open:
        decide(world, dispute, won=won)


def _escalate_unless_closed(world: World, dispute: Dispute) -> None:
    if dispute.is_open and dispute.is_inquiry:
        escalate(world, dispute)


def _become(world: World, dispute: Dispute, status: DisputeStatus) -> None:
    before, dispute.status = dispute.status, status
    world.emit("charge.dispute.updated", dispute.owner, dispute, previous={"status": before})


def _close(world: World, dispute: Dispute, status: DisputeStatus) -> Dispute:
    dispute.status = status
    world.emit("charge.dispute.closed", dispute.owner, dispute)
    return dispute
