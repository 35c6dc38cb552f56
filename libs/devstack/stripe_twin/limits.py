"""Stripe's rate limits (https://docs.stripe.com/rate-limits): so many requests a second, of an operation and in all."""

import time
from collections.abc import Callable

from libs.devstack.stripe_twin.errors import rate_limited

Wall = Callable[[], float]


class TokenBucket:
    """Holds one second's worth: that many at once, and then that many a second."""

    def __init__(self, per_second: float, wall: Wall) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second)
        self._wall = wall
        self._tokens, self._read_at = self._most, wall()

    def take(self) -> bool:
        now = self._wall()
        self._tokens = min(self._most, self._tokens + (now - self._read_at) * self._per_second)
        self._read_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class RateLimits:
    """One bucket a named operation, as Stripe counts (`payment_intents.retrieve` of any two intents is one), and one
    for everything. Real seconds, since it is real load that they guard against; None sets no limit.
    """

    def __init__(
        self, per_endpoint: float | None, in_all: float | None, *, wall: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_endpoint = per_endpoint
        self._wall = wall
        self._in_all = TokenBucket(in_all, wall) if in_all else None
        self._buckets: dict[str, TokenBucket] = {}

    def admit(self, call: str) -> None:
        """Count a request, or raise the 429 that names the limit it ran into."""
        if self._in_all and not self._in_all.take():
            raise rate_limited(reason="global-rate")
        if self._per_endpoint and not self._bucket(call, self._per_endpoint).take():
            raise rate_limited(reason="endpoint-rate")

    def _bucket(self, call: str, per_second: float) -> TokenBucket:
        if call not in self._buckets:
            self._buckets[call] = TokenBucket(per_second, self._wall)
        return self._buckets[call]
