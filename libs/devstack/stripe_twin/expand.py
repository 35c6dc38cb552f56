"""`expand[]`: whole objects in place of ids (https://docs.stripe.com/api/expanding_objects)."""

from collections.abc import Sequence
from typing import Any

from libs.devstack.stripe_twin.errors import StripeRefusal, invalid
from libs.devstack.stripe_twin.tables import Json
from libs.devstack.stripe_twin.world import World

_DEPTH_MOST = 4


def expand(world: World, answer: Json, paths: Sequence[str]) -> Json:
    for path in paths:
        steps = path.split(".")
        if len(steps) > _DEPTH_MOST:
            raise invalid(f"You cannot expand more than {_DEPTH_MOST} levels of a property ({path}).", param="expand")
        answer = _expand(world, answer, steps, path)
    return answer


def _expand(world: World, node: Any, steps: Sequence[str], path: str) -> Any:
    """A copy of `node` with its property at `steps` expanded: the original may be a record's own."""
    if isinstance(node, list):
        return [_expand(world, item, steps, path) for item in node]
    head, rest = steps[0], steps[1:]
    if not isinstance(node, dict) or head not in node:
        raise _refused(path)
    value = node[head]
    if isinstance(value, str):
        record = world.resolve(value)
        if record is None:
            raise _refused(path)
        value = record.render()
    elif value is not None and not isinstance(value, dict | list):
        raise _refused(path)
    if rest and value is not None:
        value = _expand(world, value, rest, path)
    return {**node, head: value}


def _refused(path: str) -> StripeRefusal:
    message = f"This property cannot be expanded ({path}). You may want to try expanding another one."
    return invalid(message, param="expand")
