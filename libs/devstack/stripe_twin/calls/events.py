"""events: the log, for whoever missed a webhook."""

import stripe.params as sdk

from libs.devstack.stripe_twin.objects.event import Event
from libs.devstack.stripe_twin.routing import Call, Route, lists, models
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World


def retrieve(world: World, call: Call) -> Event:
    return world.events.get(call.owner, call.id)


def list_(world: World, call: Call) -> Json:
    wanted = dict(call.params)
    kind = wanted.get("type", "")
    if kind.endswith("*"):
        # Stripe takes a family of types too; the index holds exact ones
        del wanted["type"]
    types = wanted.get("types")

    def keep(event: Event) -> bool:
        return (types is None or event.type in types) and (
            not kind.endswith("*") or event.type.startswith(kind.removesuffix("*"))
        )

    return world.events.page(call.owner, wanted, keep).render(call.path)


ROUTES = (
    Route("events.retrieve", "GET", "/v1/events/{id}", sdk.EventRetrieveParams, retrieve, models()),
    Route("events.list", "GET", "/v1/events", sdk.EventListParams, list_, lists("created", "type", "types")),
)
