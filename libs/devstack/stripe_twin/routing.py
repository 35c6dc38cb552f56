"""A call of the API: its name, its address, the SDK type of its parameters, and the function that answers it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from libs.devstack.stripe_twin.tables import Json, Record

if TYPE_CHECKING:
    from libs.devstack.stripe_twin.world import World


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked: `owner` is the account it speaks for, `ids` come from its path, in order."""

    owner: str
    params: Mapping[str, Any]
    ids: tuple[str, ...] = ()
    path: str = ""
    browser: bool = False
    """Made with a publishable key: may see and do only what a buyer's browser may."""
    client_secret: str | None = None
    base_url: str = ""

    @property
    def id(self) -> str:
        return self.ids[0]


Answer = Record | Json
Handler = Callable[["World", Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """`name` is that of the SDK's method, such as `payment_intents.create`: faults are set by it.

    `models` are the parameters that the twin acts upon. Others that Stripe knows are refused as unmodelled rather than
    ignored, so that a caller cannot mistake silence for the effect.
    """

    name: str
    method: Literal["GET", "POST", "DELETE"]
    path: str
    params: type
    handler: Handler
    models: frozenset[str]
    browser: bool = False
    extra_params: frozenset[str] = field(default_factory=frozenset)
    """What Stripe.js sends beside the SDK's parameters."""


def models(*names: str) -> frozenset[str]:
    return frozenset({"expand", *names})


def lists(*names: str) -> frozenset[str]:
    return models("limit", "starting_after", "ending_before", *names)


class Router:
    """Finds a route by splitting the path: two dictionary look-ups, no regular expressions."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[tuple[str, str], Route] = {}
        self._shaped: dict[tuple[str, int], list[tuple[list[str], Route]]] = {}
        for route in routes:
            steps = route.path.split("/")
            if "{" in route.path:
                self._shaped.setdefault((route.method, len(steps)), []).append((steps, route))
            else:
                self._exact[route.method, route.path] = route

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
        if exact := self._exact.get((method, path)):
            return exact, ()
        steps = path.split("/")
        for pattern, route in self._shaped.get((method, len(steps)), ()):
            if all(want == got or want.startswith("{") for want, got in zip(pattern, steps, strict=True)):
                return route, tuple(got for want, got in zip(pattern, steps, strict=True) if want.startswith("{"))
        return None
