"""Calls to a card processor: at which pace they leave, and their errors told as outcomes.

The processor's SDK is imported by the gateways, which hand in its classes, and by `stripe_client`, whose HTTP client
sends through a `Pace`.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import Final, Protocol
from urllib.parse import urlsplit

import stamina
from aiolimiter import AsyncLimiter

from libs.runtime.outcomes import verdict

TIMEOUT_SECONDS: Final = 20.0
NETWORK_RETRIES_MAX: Final = 1
REQUESTS_PER_SECOND: Final = 25.0
"""Stripe's limit of an endpoint (https://docs.stripe.com/rate-limits), which it raises on request."""
AT_ONCE_MAX: Final = 16
"""Of a process. Enough for 25 requests a second of an endpoint when each takes half a second, and for the others to
pass some that hang. Workers may claim more, whose appends then overlap with others' calls.
"""
ATTEMPTS_MAX: Final = 4
_PAUSE_SECONDS: Final = 0.5
_PAUSE_SECONDS_MAX: Final = 2.0
_LOCK_PAUSE_SECONDS: Final = 0.1
_ID: Final = re.compile(r"(?<=.)/[^/]*\d[^/]*")  # not at the front, where the version stands

Answer = tuple[bytes, int, Mapping[str, str]]
"""Content, status and headers, as the SDK's HTTP clients return them."""


class Failure(Protocol):
    """An SDK's error, as `stripe.StripeError` has it. Without a status no answer came."""

    http_status: int | None
    code: str | None

    @property
    def user_message(self) -> str | None: ...


class Calls:
    """Enter it around each call. Raises `Refused`, `TurnedAway` or `Unknown` for an error of the SDK's.

    `key_reused` is the SDK's class for an idempotency key that came with other parameters.
    """

    def __init__(self, failure: type[Failure], *, key_reused: type[Exception]) -> None:
        self._failure = failure
        self._key_reused = key_reused

    async def __aenter__(self) -> None:
        """Nothing to prepare: what has to wait waits in `Pace`, one request at a time."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, self._failure):
            raise verdict(
                error.user_message or "(no message)",
                status=error.http_status,
                code=error.code,
                key_reused=isinstance(error, self._key_reused),
            ) from error


class _Busy(Exception):
    """The processor turned a request away at the door: nothing happened, and nothing is remembered under its key."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Pace:
    """Lets the requests of one process leave: so many a second to each endpoint, so many at once in all.

    What is turned away for being too much (429) is sent again, apart from the SDK's own retries of what the network
    lost: an object that another request holds (`lock_timeout`) is free again soon, a limit on the rate takes longer.
    Only when that was in vain does the caller see the 429, which is no refusal (`libs.runtime.outcomes`).
    """

    def __init__(
        self,
        *,
        requests_per_second: float = REQUESTS_PER_SECOND,
        at_once_max: int = AT_ONCE_MAX,
        attempts_max: int = ATTEMPTS_MAX,
    ) -> None:
        self._buckets: defaultdict[str, AsyncLimiter] = defaultdict(partial(AsyncLimiter, requests_per_second, 1))
        self._slots = asyncio.Semaphore(at_once_max)
        self._attempts_max = attempts_max

    async def send(self, method: str, url: str, request: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer to a request, sent when its turn has come."""
        again = stamina.retry_context(
            on=_pause, attempts=self._attempts_max, wait_initial=_PAUSE_SECONDS, wait_max=_PAUSE_SECONDS_MAX
        )
        try:
            async for attempt in again:
                with attempt:
                    answer = await self._once(endpoint_of(method, url), request)
        except _Busy as busy:
            return busy.answer
        return answer

    async def _once(self, endpoint: str, request: Callable[[], Awaitable[Answer]]) -> Answer:
        # First the bucket: who waits for one endpoint must not keep a slot from the requests to others.
        await self._buckets[endpoint].acquire()
        async with self._slots:
            answer = await request()
        if answer[1] == HTTPStatus.TOO_MANY_REQUESTS:
            raise _Busy(answer)
        return answer


def endpoint_of(method: str, url: str) -> str:
    """What the processor counts together: the method and the path without ids."""
    return f"{method.upper()} {_ID.sub('/*', urlsplit(url).path)}"


def _pause(error: Exception) -> bool | float:
    """Whether to try again: after so many seconds, or after a pause that grows."""
    if isinstance(error, _Busy) and b'"lock_timeout"' in error.answer[0]:
        return _LOCK_PAUSE_SECONDS * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
    return isinstance(error, _Busy)
