"""From the log to the carrier: what happened in a service becomes messages for the others, in order, at least once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg
import structlog

from contracts.events.base import Message
from libs.eventstore import queries
from libs.eventstore.codec import Codec
from libs.eventstore.feed import GATHER_SECONDS, POLL_SECONDS
from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Recorded
from libs.eventstore.pool import availability
from libs.eventstore.signal import pulsed
from libs.messaging.carrier import Sender
from libs.messaging.envelope import Envelope, wrap
from libs.messaging.topology import EVENTS

CHECKPOINT: Final = "relay"
SQL: Final = queries.load(Path(__file__).parent / "sql" / "relay.sql")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Announcer:
    """What a service tells the others. `source` says who speaks (`/holdfast/payment`), one of its own a service.

    `kinds` are the stream kinds read; `announce` is pure: a domain event to a message, or to None when it is nobody
    else's business.
    """

    source: str
    kinds: tuple[str, ...]
    codec: Codec[Any] = field(repr=False)
    announce: Callable[[Any], Message | None] = field(repr=False)

    def envelope(self, recorded: Recorded) -> Envelope | None:
        """The message of a stored event, or None. The event's id is the message's: a repetition is recognised."""
        message = self.announce(self.codec.decode(recorded))
        if message is None:
            return None
        return wrap(
            message,
            id=recorded.id,
            source=self.source,
            time=recorded.effective_at,
            correlationid=recorded.correlation_id,
            causationid=recorded.causation_id,
            book=recorded.book,
            position=recorded.position,
        )


class Relay:
    """Publishes one service's announcements. Any number may run: an advisory lock lets one of them work.

    Lock, reading and checkpoint share one connection. When that is lost, so is the right to move the checkpoint; the
    stand-in may then repeat the last slice, and nothing is skipped.
    """

    def __init__(
        self, ledger: Ledger, announcer: Announcer, carrier: Sender, *, gather_seconds: float = GATHER_SECONDS
    ) -> None:
        self._ledger = ledger
        self._announcer = announcer
        self._carrier = carrier
        self._gather_seconds = gather_seconds

    async def run(self) -> None:
        """Follow the log until cancelled. Raises `Unavailable` when database or carrier are; then run it again."""
        while True:
            with availability():
                async with self._ledger.pool.acquire() as connection:
                    if await connection.fetchval(SQL.lock, self._lock_name):
                        try:
                            await self._follow(connection)
                        finally:
                            await self._unlock(connection)
            await asyncio.sleep(POLL_SECONDS)

    async def catch_up(self) -> bool:
        """Announce everything that is in the log now; False if another relay is at it."""
        with availability():
            async with self._ledger.pool.acquire() as connection:
                if not await connection.fetchval(SQL.lock, self._lock_name):
                    return False
                try:
                    while await self._step(connection):
                        pass
                finally:
                    await self._unlock(connection)
                return True

    async def _unlock(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        """The connection goes back to the pool, and the lock must not go with it."""
        if not connection.is_closed():
            await connection.execute(SQL.unlock, self._lock_name)

    @property
    def _lock_name(self) -> str:
        return f"holdfast relay {self._announcer.source} book {self._ledger.store.book}"

    async def _follow(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        log.info("relay took over", source=self._announcer.source)
        while True:
            armed = self._ledger.feed.signal.arm()
            while await self._step(connection):
                pass
            await pulsed(armed, poll_seconds=POLL_SECONDS)
            await asyncio.sleep(self._gather_seconds)

    async def _step(self, connection: asyncpg.pool.PoolConnectionProxy) -> bool:
        position = await connection.fetchval(SQL.checkpoint, CHECKPOINT)
        events, through = await self._ledger.feed.read(position, self._announcer.kinds, connection=connection)
        if through == position:
            return False
        envelopes = [envelope for event in events if (envelope := self._announcer.envelope(event))]
        if envelopes:
            await self._carrier.publish(envelopes, EVENTS)
        await connection.execute(SQL.move, CHECKPOINT, through)
        return True
