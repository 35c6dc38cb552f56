"""Whether anything is still on its way: for a demo or a test that wants to look at the result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

from libs.eventstore.store import SQL as STORE_SQL
from services.embedded.assembly import BUILDERS

_LOOK_AGAIN_SECONDS = 0.05

_READERS_BEHIND = " union all ".join(
    f"select '{service} ' || name as what from {service}.checkpoints where position < $1"  # noqa: S608 - our own names
    for service in BUILDERS
)
_WORK_DUE = " union all ".join(
    f"select '{service} work ' || id from {service}.work where due_at <= now()"  # noqa: S608 - our own names
    for service in ("payment", "payout_scheduler")
)
_MESSAGES_WAITING = "select 'message in ' || queue from messaging.messages"


async def quiet(
    pool: asyncpg.Pool, book: int, outside_idle: Callable[[], Awaitable[None]], *, within_seconds: float = 120.0
) -> None:
    """Return once every reader has seen the whole log, no message waits, no work is due, and the outside is idle.

    `outside_idle` waits for whatever calls us from outside (webhooks). Raises `TimeoutError` naming what still moves.
    """
    moving: list[str] = []
    try:
        async with asyncio.timeout(within_seconds):
            previous = -1
            while True:
                await outside_idle()
                head = await pool.fetchval(STORE_SQL.head, book)
                rows = await pool.fetch(f"{_READERS_BEHIND} union all {_WORK_DUE} union all {_MESSAGES_WAITING}", head)
                moving = [row["what"] for row in rows]
                # Nothing moves in two looks at one head: between them whoever was just woken would have appended.
                if not moving and head == previous:
                    return
                previous = -1 if moving else head
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    except TimeoutError:
        raise TimeoutError(f"Still moving after {within_seconds} seconds: {', '.join(moving[:10])}.") from None
