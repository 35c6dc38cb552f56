"""The controls of what goes wrong with calls and webhooks.

GET  /_twin/faults                                   POST {"call", "kind", "count"?, "seconds"?}; DELETE clears
GET  /_twin/chaos                                    PUT {"seed", "error_500"?, ...} as `chaos.Chaos`; DELETE ends it
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import Field

from libs.devstack.stripe_twin.chaos import Chaos
from libs.devstack.stripe_twin.faults import FaultKind
from libs.devstack.stripe_twin.orders import Order
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World


class _AddFault(Order):
    call: str
    kind: FaultKind
    count: Annotated[int, Field(ge=1)] = 1
    seconds: Annotated[float, Field(ge=0)] = 0.0


def _faults(world: World, _id: str, _order: Order) -> Json:
    return dict(world.faults.waiting())


def _add_fault(world: World, _id: str, order: _AddFault) -> Json:
    world.faults.add(order.call, order.kind, order.count, order.seconds)
    return dict(world.faults.waiting())


def _clear_faults(world: World, _id: str, _order: Order) -> Json:
    world.faults.clear()
    return {}


def _chaos(world: World, _id: str, _order: Order) -> Json:
    return {"chaos": world.lots.chaos.model_dump() if world.lots.chaos else None}


def _set_chaos(world: World, _id: str, order: Chaos) -> Json:
    world.lots.begin(order)
    return _chaos(world, _id, order)


def _end_chaos(world: World, _id: str, _order: Order) -> Json:
    world.lots.begin(None)
    return _chaos(world, _id, _order)


BREAKING: Mapping[tuple[str, str], tuple[Callable[[World, str, Any], Json], type[Order]]] = {
    ("GET", "faults"): (_faults, Order),
    ("POST", "faults"): (_add_fault, _AddFault),
    ("DELETE", "faults"): (_clear_faults, Order),
    ("GET", "chaos"): (_chaos, Order),
    ("PUT", "chaos"): (_set_chaos, Chaos),
    ("DELETE", "chaos"): (_end_chaos, Order),
}
