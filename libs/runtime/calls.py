"""Calls to a card processor: so many at once, and their errors told as outcomes.

Only the gateways import the processor's SDK: they hand in its classes.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Protocol

from libs.runtime.outcomes import verdict

TIMEOUT_SECONDS: Final = 20.0
NETWORK_RETRIES_MAX: Final = 1
AT_ONCE_MAX: Final = 16
"""Of a process. Enough for Stripe's 25 requests a second an endpoint (https://docs.stripe.com/rate-limits) when each
takes half a second, and for the others to pass some that hang. Workers may claim more, whose appends then overlap with
others' calls.
"""


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

    def __init__(self, failure: type[Failure], *, key_reused: type[Exception], at_once_max: int = AT_ONCE_MAX) -> None:
        self._failure = failure
        self._key_reused = key_reused
        self._slots = asyncio.Semaphore(at_once_max)

    async def __aenter__(self) -> None:
        await self._slots.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slots.release()
        if isinstance(error, self._failure):
            raise verdict(
                error.user_message or "(no message)",
                status=error.http_status,
                code=error.code,
                key_reused=isinstance(error, self._key_reused),
            ) from error
