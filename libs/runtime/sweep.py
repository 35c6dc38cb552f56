"""What a card processor never managed to tell us, by its own log of events: asked for every night."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import structlog

from libs.runtime.outcomes import Refused, TurnedAway, Unknown
from libs.runtime.service import Progress, RunJob

SPAN: Final = timedelta(days=3)
"""For so long Stripe itself tries to deliver an event (https://docs.stripe.com/webhooks#retries)."""
LOGS_AT_ONCE: Final = 20

Kept = TypeVar("Kept")
Log = Callable[[datetime, datetime], AsyncIterator[Kept]]
"""The notices of one account that a service keeps, from a time on and until another."""

log = structlog.get_logger(__name__)


def sweep_events(
    logs: Callable[[], Awaitable[Mapping[str, Log[Kept]]]], keep: Callable[[Kept], Awaitable[bool]]
) -> RunJob:
    """The job `sweep-events` over the processor's logs of some accounts, each notice through the door of the webhooks.

    Its summary: notices that had not come (`done`), all that were there (`seen`), accounts whose log could not be read
    to its end (`left`). `keep` says whether a notice was new.
    """

    async def run(as_of: datetime, progress: Progress) -> Mapping[str, Any]:
        done = seen = left = 0

        async def read(account: str, listed: Log[Kept]) -> None:
            nonlocal done, seen, left
            try:
                async for notice in listed(as_of - SPAN, as_of):
                    seen += 1
                    if await keep(notice):
                        done += 1
                        progress(f"{account}: an event that had not come: {notice}")
            except (Refused, TurnedAway, Unknown) as error:
                left += 1
                log.warning("a log of events could not be read", account=account, error=error.text)

        items = list((await logs()).items())
        for start in range(0, len(items), LOGS_AT_ONCE):
            await asyncio.gather(*(read(*item) for item in items[start : start + LOGS_AT_ONCE]))
        return {"done": done, "seen": seen, "left": left}

    return run
