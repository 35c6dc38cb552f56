"""Early fraud warnings: how they come, and when they no longer call for anything."""

from libs.devstack.stripe_twin.objects.charge import Charge
from libs.devstack.stripe_twin.objects.fraud_warning import FraudWarning
from libs.devstack.stripe_twin.world import World


def warn(world: World, charge: Charge, fraud_type: str = "misc") -> FraudWarning:
    warning = FraudWarning(
        id=world.new_id("issfr"),
        owner=charge.owner,
        created=world.clock.now(),
        charge=charge.id,
        payment_intent=charge.payment_intent,
        fraud_type=fraud_type,
        actionable=_actionable(charge),
    )
    world.fraud_warnings.add(warning)
    world.emit("radar.early_fraud_warning.created", warning.owner, warning)
    return warning


def look_again(world: World, charge: Charge) -> None:
    """After a refund or a dispute of the charge."""
    for warning in world.fraud_warnings.where(charge.owner, "charge", charge.id):
        if warning.actionable and not _actionable(charge):
            warning.actionable = False
            world.emit("radar.early_fraud_warning.updated", warning.owner, warning, previous={"actionable": True})


def _actionable(charge: Charge) -> bool:
    return not charge.disputed and charge.amount_refunded_minor < charge.amount_minor
