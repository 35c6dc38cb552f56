"""An early fraud warning: the card's issuer suspects that a payment was not its holder's."""

from dataclasses import dataclass
from typing import ClassVar

from libs.devstack.stripe_twin.tables import Json, Record


@dataclass(kw_only=True)
class FraudWarning(Record):
    KIND: ClassVar[str] = "radar.early_fraud_warning"
    charge: str
    payment_intent: str | None
    fraud_type: str
    actionable: bool = True
    """Neither disputed nor refunded in full yet: a refund may still prevent the dispute."""

    def render(self) -> Json:
        return {
            "id": self.id,
            "object": "radar.early_fraud_warning",
            "actionable": self.actionable,
            "charge": self.charge,
            "created": self.created,
            "fraud_type": self.fraud_type,
            "livemode": False,
            "payment_intent": self.payment_intent,
        }
