"""What happens to a message that arrives: decoded, handled, and acknowledged, tried again or dead-lettered."""

from __future__ import annotations

import asyncio
import random
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Final, Literal, Protocol

import structlog

from libs.ledger.errors import Conflict, HoldfastError, KeyReused, Rejected, Unavailable
from libs.messaging.envelope import Envelope, decode, from_json, model_of
from libs.messaging.route import Route

log = structlog.get_logger(__name__)

REASON_CHARACTERS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Death:
    """Why a message is dead-lettered. `type` is None where the message does not even say that."""

    code: str
    reason: str
    type: str | None = None


class Delivery(Protocol):
    """A message in hand. One of the three methods ends it; they raise `Unavailable` when the carrier is gone, and then
    the message comes again.
    """

    @property
    def body(self) -> bytes: ...

    async def ack(self) -> None:
        """It is done."""

    async def requeue(self) -> None:
        """Somebody, maybe we, shall have it again."""

    async def bury(self, death: Death) -> None:
        """Store it as a dead letter, then end it: killed in between, it exists twice, never not at all."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a message is tried in place before it goes back or is given up.

    In place, because RabbitMQ 4 dead-letters at the 20th return: an outage must not use these up. With the defaults one
    round against something unavailable takes about a minute, well below the half hour after which the broker would
    take a message away.
    """

    conflicts_max: int = 5
    defects_max: int = 3
    outages_max: int = 16
    pause_seconds_min: float = 0.05
    pause_seconds_max: float = 5.0

    def pause_seconds(self, attempt: int) -> float:
        """Doubles with every attempt; the jitter parts those who collided."""
        pause = min(self.pause_seconds_min * 2.0 ** (attempt - 1), self.pause_seconds_max)
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter

    def judge(self, error: Exception, attempt: int) -> Literal["again", "requeue", "bury"]:
        """What follows from this error at this attempt."""
        match error:
            case Rejected() | KeyReused():
                return "bury"
            case Unavailable():
                return "again" if attempt < self.outages_max else "requeue"
            case Conflict():
                return "again" if attempt < self.conflicts_max else "requeue"
            case _:  # a defect of ours, or something like an overdraft that nobody foresaw
                return "again" if attempt < self.defects_max else "bury"


class Reception:
    """Receives the messages of one route, any number at once. It never raises: every message ends or comes again."""

    def __init__(self, route: Route, patience: Patience) -> None:
        self._route = route
        self._patience = patience

    async def receive(self, delivery: Delivery) -> None:
        """Call in a task of its own: the ids stay bound to that task's log context."""
        try:
            envelope = from_json(delivery.body)
            self._bind(envelope)
            work = self._work(envelope)
        except Rejected as error:
            await self._end(delivery, "bury", error)
        else:
            await self._carry_out(work, delivery)

    def _bind(self, envelope: Envelope) -> None:
        structlog.contextvars.bind_contextvars(
            queue=self._route.queue,
            message_id=envelope.id,
            message_type=envelope.type,
            correlation_id=envelope.correlationid or envelope.subject,
        )

    def _work(self, envelope: Envelope) -> Callable[[], Awaitable[None]] | None:
        if self._route.every is not None:
            return partial(self._route.every, envelope)
        # Looked up before decoding: a message for somebody else need not cost us that.
        handler = self._route.handlers.get(model_of(envelope))
        return None if handler is None else partial(handler, decode(envelope), envelope)

    async def _carry_out(self, work: Callable[[], Awaitable[None]] | None, delivery: Delivery) -> None:
        for attempt in count(1):
            try:
                if work is not None:
                    await work()
            except Exception as error:  # noqa: BLE001 - whatever it was, the message must not be lost
                verdict = self._patience.judge(error, attempt)
                if verdict != "again":
                    await self._end(delivery, verdict, error)
                    return
                log.info("message will be tried again", attempt=attempt, error=_last_line(error))
                await asyncio.sleep(self._patience.pause_seconds(attempt))
            else:
                await self._end(delivery, "ack")
                return

    async def _end(
        self, delivery: Delivery, verdict: Literal["ack", "requeue", "bury"], error: Exception | None = None
    ) -> None:
        try:
            if verdict == "ack":
                await delivery.ack()
            elif error is not None and verdict == "bury":
                await self._bury(delivery, error)
            else:
                log.warning("message goes back to its queue", error=error and _last_line(error))
                await delivery.requeue()
        except Unavailable as gone:
            # Nothing is lost: a message that was not acknowledged comes again.
            log.warning("the carrier was lost with a message in hand", verdict=verdict, error=str(gone))

    async def _bury(self, delivery: Delivery, error: Exception) -> None:
        known = isinstance(error, HoldfastError)
        code = error.code if isinstance(error, HoldfastError) else "defect"
        bound = structlog.contextvars.get_contextvars()
        death = Death(code, _last_line(error)[:REASON_CHARACTERS_MAX], bound.get("message_type"))
        log.warning("message dead-lettered", code=code, reason=death.reason, exc_info=None if known else error)
        try:
            await delivery.bury(death)
        except Unavailable:
            await delivery.requeue()
            raise


def _last_line(error: Exception) -> str:
    """A refusal in its own words; anything else as the last line of its traceback."""
    if isinstance(error, HoldfastError):
        return error.text
    return traceback.format_exception_only(error)[-1].strip()
