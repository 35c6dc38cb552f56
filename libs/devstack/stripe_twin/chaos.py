"""Chaos by seed: what happens to the n-th call of a name, or to the n-th event of a type, follows from the seed alone.

Two runs that make the same calls suffer the same faults, however long each call took and whatever came in between.
"""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import ConfigDict, Field, model_validator

from libs.devstack.stripe_twin.faults import FaultKind
from libs.devstack.stripe_twin.orders import Order

Share = Annotated[float, Field(ge=0, le=1)]
WebhookFate = Literal["lost", "doubled", "delayed", "reordered"]
"""
lost       never sent; `events.list` still knows it
doubled    sent twice
delayed    sent `webhook_delay_seconds` (real ones) later
reordered  held back until the next event of its endpoint has been accepted, or as long as a delayed one
"""
_WEBHOOK = "webhook_"
T = TypeVar("T")


class Chaos(Order):
    """The share of calls, or of webhooks, to which each of these happens; no call and no webhook suffers two."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int
    rate_limit_429: Share = 0.0
    lock_timeout_429: Share = 0.0
    error_500: Share = 0.0
    error_500_after_effect: Share = 0.0
    error_503: Share = 0.0
    timeout_before_effect: Share = 0.0
    timeout_after_effect: Share = 0.0
    webhook_lost: Share = 0.0
    webhook_doubled: Share = 0.0
    webhook_delayed: Share = 0.0
    webhook_reordered: Share = 0.0
    webhook_delay_seconds: Annotated[float, Field(ge=0)] = 0.3

    @classmethod
    def evenly(cls, seed: int, share: float) -> Self:
        """That share of the calls and that of the webhooks go wrong, in each way as often as in any other."""
        calls, webhooks = _names(FaultKind), [f"{_WEBHOOK}{fate}" for fate in get_args(WebhookFate)]
        rates = dict.fromkeys(calls, share / len(calls)) | dict.fromkeys(webhooks, share / len(webhooks))
        return cls(seed=seed, **rates)

    @model_validator(mode="after")
    def _no_more_than_all(self) -> Self:
        for what, rates in (("calls", self.call_rates()), ("webhooks", self.webhook_rates())):
            if (together := sum(rates.values())) > 1 + 1e-9:
                raise ValueError(f"The shares of the {what} come to {together:.3f}; lower them to 1 or less in all.")
        return self

    def call_rates(self) -> Mapping[FaultKind, float]:
        return {kind: getattr(self, kind) for kind in _names(FaultKind)}

    def webhook_rates(self) -> Mapping[WebhookFate, float]:
        return {fate: getattr(self, f"{_WEBHOOK}{fate}") for fate in get_args(WebhookFate)}


class Lots:
    """Draws for each call and each webhook; the counting begins with the chaos."""

    def __init__(self, chaos: Chaos | None = None) -> None:
        self.begin(chaos)

    def begin(self, chaos: Chaos | None) -> None:
        """Draw by that from now on, or no longer."""
        self.chaos = chaos
        self._drawn: Counter[str] = Counter()

    @property
    def webhook_delay_seconds(self) -> float:
        return self.chaos.webhook_delay_seconds if self.chaos else 0.0

    def for_call(self, name: str) -> FaultKind | None:
        return self._draw(name, self.chaos.call_rates()) if self.chaos else None

    def for_webhook(self, event_type: str) -> WebhookFate | None:
        return self._draw(f"{_WEBHOOK}{event_type}", self.chaos.webhook_rates()) if self.chaos else None

    def _draw(self, name: str, rates: Mapping[T, float]) -> T | None:
        seed = self.chaos.seed if self.chaos else 0
        # seeded by text: the same in every process and version, and no draw depends on those before it
        point = random.Random(f"{seed}/{name}/{self._drawn[name]}").random()  # noqa: S311  repeatable is the point
        self._drawn[name] += 1
        for fate, rate in rates.items():
            if point < rate:
                return fate
            point -= rate
        return None


def _names(kinds: Any) -> list[Any]:
    """Those of the faults that befall by chance; `slow` is for tests that know what they wait for."""
    return [kind for kind in get_args(kinds) if kind in Chaos.model_fields]
