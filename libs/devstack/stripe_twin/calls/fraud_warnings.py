"""radar.early_fraud_warnings: read only, since issuers send them."""

from stripe.params import radar as sdk

from libs.devstack.stripe_twin.objects.fraud_warning import FraudWarning
from libs.devstack.stripe_twin.routing import Call, Route, lists, models
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World


def retrieve(world: World, call: Call) -> FraudWarning:
    return world.fraud_warnings.get(call.owner, call.id)


def list_(world: World, call: Call) -> Json:
    return world.fraud_warnings.page(call.owner, call.params).render(call.path)


_PATH = "/v1/radar/early_fraud_warnings"
ROUTES = (
    Route(
        "radar.early_fraud_warnings.retrieve", "GET", f"{_PATH}/{{early_fraud_warning}}",
        sdk.EarlyFraudWarningRetrieveParams, retrieve, models(),
    ),
    Route(
        "radar.early_fraud_warnings.list", "GET", _PATH, sdk.EarlyFraudWarningListParams, list_,
        lists("created", "charge", "payment_intent"),
    ),
)  # fmt: skip
