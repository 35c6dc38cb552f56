"""What all benchmarks share: one JSON line a result, and taking turns with the limit in the same run."""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Side(Generic[T]):
    """One side of a comparison. `prepare` makes input outside the measured time, `run` returns how much it did."""

    prepare: Callable[[], T]
    run: Callable[[T], Awaitable[int]]

    async def rate(self) -> float:
        """Units of work per second."""
        given = self.prepare()
        gc.collect()
        started = time.perf_counter()
        done = await self.run(given)
        return done / (time.perf_counter() - started)


@dataclass(frozen=True)
class Result:
    """`value` and `limit` in `unit`, medians of the rounds; `ratio` is the median of the rounds' own ratios."""

    bench: str
    value: float
    unit: str
    limit: float | None = None
    ratio: float | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        shown = {"bench": self.bench, "value": round(self.value, 1), "unit": self.unit}
        if self.limit is not None and self.ratio is not None:
            shown |= {"limit": round(self.limit, 1), "ratio": round(self.ratio, 3)}
        return json.dumps(shown | self.more)


async def in_turns(bench: str, unit: str, ours: Side[Any], limit: Side[Any], *, rounds: int = 5, **more: Any) -> Result:
    """Ours and the limit one after the other, several times: a noisy machine disturbs both sides of a ratio alike."""
    await ours.rate()  # warm
    await limit.rate()
    pairs: list[tuple[float, float]] = []
    for turn in range(rounds):
        first, second = (ours, limit) if turn % 2 else (limit, ours)
        rates = {first: await first.rate(), second: await second.rate()}
        pairs.append((rates[ours], rates[limit]))
    return Result(
        bench,
        statistics.median(value for value, _ in pairs),
        unit,
        statistics.median(bound for _, bound in pairs),
        statistics.median(value / bound for value, bound in pairs),
        more,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
