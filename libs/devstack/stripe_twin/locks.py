"""Objects are changed by one request at a time; who waits too long for one gets `lock_timeout`.

At Stripe this is a 429 without `Stripe-Rate-Limited-Reason` (https://docs.stripe.com/rate-limits#object-lock-timeouts).
Calls of the twin are atomic, so an object is held only while its call is slow, by `latency_seconds` or by fault.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

from libs.devstack.stripe_twin.errors import rate_limited
from libs.devstack.stripe_twin.routing import Call, Route

_NAMED_BY = ("charge", "payment_intent", "source_transaction")
"""Parameters that name an object which the call changes, beside the one in its path."""


def touched(route: Route, call: Call) -> frozenset[str]:
    """The objects that a call changes, reading changes none."""
    if route.method == "GET":
        return frozenset()
    return frozenset(call.ids[:1]) | {str(call.params[name]) for name in _NAMED_BY if name in call.params}


class ObjectLocks:
    """`wait_seconds` are real ones."""

    def __init__(self, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def held(self, object_ids: Collection[str]) -> AsyncIterator[None]:
        """Hold these objects for the block, or raise Stripe's refusal when others keep one for too long."""
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._wait_seconds):
                    # in one order for all, so that no two wait for each other
                    for object_id in sorted(object_ids):
                        await stack.enter_async_context(self._lock(object_id))
            except TimeoutError:
                raise rate_limited("lock_timeout") from None
            yield

    def _lock(self, object_id: str) -> asyncio.Lock:
        lock = self._locks.get(object_id)
        if lock is None:
            lock = self._locks[object_id] = asyncio.Lock()
        return lock
