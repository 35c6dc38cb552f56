"""charges: read only, since they come from PaymentIntents and transfers."""

import stripe.params as sdk

from libs.devstack.stripe_twin.objects.charge import Charge
from libs.devstack.stripe_twin.routing import Call, Route, lists, models
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World


def retrieve(world: World, call: Call) -> Charge:
    return world.charges.get(call.owner, call.id)


def list_(world: World, call: Call) -> Json:
    return world.charges.page(call.owner, call.params).render(call.path)


ROUTES = (
    Route("charges.retrieve", "GET", "/v1/charges/{charge}", sdk.ChargeRetrieveParams, retrieve, models()),
    Route(
        "charges.list", "GET", "/v1/charges", sdk.ChargeListParams, list_,
        lists("created", "payment_intent", "transfer_group"),
    ),
)  # fmt: skip
