"""events: the log, for whoever missed a webhook."""

import stripe.params as sdk

from libs.devstack.stripe_twin.config import DAY_SECONDS
from libs.devstack.stripe_twin.errors import invalid
from libs.devstack.stripe_twin.objects.event import Event
from libs.devstack.stripe_twin.routing import Call, Route, lists, models
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World

_KEPT_SECONDS = 30 * DAY_SECONDS
_TYPES_MOST = 20


def retrieve(world: World, call: Call) -> Event:
    return world.events.get(call.owner, call.id)


def list_(world: World, call: Call) -> Json:
    """Of the last 30 days, as Stripe keeps no more."""
    wanted = dict(call.params)
    kind, types = wanted.get("type", ""), wanted.get("types")
    if kind and types:
        raise invalid("You may only specify one of these parameters: type, types.")
    if types and len(types) > _TYPES_MOST:
        raise invalid(f"You may only specify up to {_TYPES_MOST} event types.", param="types")
    if kind.endswith("*"):
        # Stripe takes a family of types too; the index holds exact ones
        del wanted["type"]
    since = world.clock.now() - _KEPT_SECONDS

    def keep(event: Event) -> bool:
        of_family = not kind.endswith("*") or event.type.startswith(kind.removesuffix("*"))
        return event.created >= since and of_family and (types is None or event.type in types)

    return world.events.page(call.owner, wanted, keep).render(call.path)


ROUTES = (
    Route("events.retrieve", "GET", "/v1/events/{id}", sdk.EventRetrieveParams, retrieve, models()),
    Route("events.list", "GET", "/v1/events", sdk.EventListParams, list_, lists("created", "type", "types")),
)
