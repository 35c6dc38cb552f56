"""The carrier inside one process. Queues are rows in PostgreSQL: a message outlives a crash as it does on a broker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
import structlog

from libs.eventstore import queries
from libs.eventstore.pool import availability
from libs.eventstore.signal import Signal, pulsed
from libs.ledger.errors import Unavailable
from libs.messaging.carrier import unroutable
from libs.messaging.dead import LETTERS_MAX, DeadLetter
from libs.messaging.envelope import Envelope
from libs.messaging.middleware import Death, Patience, Reception
from libs.messaging.route import Route, check
from libs.messaging.topology import BINDINGS, Binding, Exchange

SQL: Final = queries.load(Path(__file__).parent / "sql" / "queries.sql")
BATCH_MESSAGES_MAX: Final = 200
POLL_SECONDS: Final = 0.5
GRACE_SECONDS: Final = 15.0

log = structlog.get_logger(__name__)


class LocalCarrier:
    """Delivers the same routes as RabbitMQ does, with the same meaning. Implements `Carrier`.

    The pool needs a connection for each route and one to publish; its role must be a `holdfast_writer`.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        book: int,
        *,
        bindings: Sequence[Binding] = BINDINGS,
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        self._pool = pool
        self._book = book
        self._bindings = bindings
        self._patience = patience
        self._arrived = Signal()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self.dead = LocalDead(pool, book, self._arrived)

    async def publish(self, messages: Sequence[Envelope], exchange: Exchange) -> None:
        queues: list[str] = []
        ids: list[str] = []
        bodies: list[bytes] = []
        for message in messages:
            takers = [binding.queue for binding in self._bindings if binding.takes(exchange, message.type)]
            if not takers:
                raise unroutable(message.type, exchange)
            queues += takers
            ids += [message.id] * len(takers)
            bodies += [message.to_json()] * len(takers)
        with availability():
            await self._pool.execute(SQL.publish, self._book, queues, ids, bodies)
        self._arrived.pulse()

    async def start(self, routes: Sequence[Route]) -> None:
        check(routes, self._bindings)
        self._tasks += [asyncio.create_task(self._consume(route), name=route.queue) for route in routes]

    async def stop(self) -> None:
        self._stopping = True
        self._arrived.pulse()
        if self._tasks:
            _, unfinished = await asyncio.wait(self._tasks, timeout=GRACE_SECONDS)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)

    async def ready(self) -> None:
        with availability():
            await self._pool.execute(SQL.ping)
        if ended := [task.get_name() for task in self._tasks if task.done()]:
            raise Unavailable(f"Nobody consumes {', '.join(ended)}.", code="not_consuming")

    async def _consume(self, route: Route) -> None:
        reception = Reception(route, self._patience)
        while not self._stopping:
            armed = self._arrived.arm()
            try:
                while not self._stopping and await self._batch(route.queue, reception):
                    pass
            except Unavailable as error:
                log.warning("the queue cannot be read, will try again", queue=route.queue, error=str(error))
            except Exception:
                log.exception("consuming failed, will try again", queue=route.queue)
            await pulsed(armed, poll_seconds=POLL_SECONDS)

    async def _batch(self, queue: str, reception: Reception) -> bool:
        """Take many, handle them at once, settle all in the transaction that took them. False: there were none."""
        with availability():
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(SQL.take, self._book, queue, BATCH_MESSAGES_MAX)
                deliveries = [_LocalDelivery(**row) for row in rows]
                await asyncio.gather(*map(reception.receive, deliveries))
                await _settle(connection, deliveries)
        return bool(rows)


@dataclass(slots=True)
class _LocalDelivery:
    id: int
    body: bytes
    outcome: Death | bool = field(default=False, init=False)
    """False: goes back; True: done."""

    async def ack(self) -> None:
        self.outcome = True

    async def requeue(self) -> None:
        self.outcome = False

    async def bury(self, death: Death) -> None:
        self.outcome = death


async def _settle(connection: asyncpg.pool.PoolConnectionProxy, deliveries: Sequence[_LocalDelivery]) -> None:
    if done := [delivery.id for delivery in deliveries if delivery.outcome is True]:
        await connection.execute(SQL.done, done)
    if returned := [delivery.id for delivery in deliveries if delivery.outcome is False]:
        await connection.execute(SQL.put_back, returned)
    for delivery in deliveries:
        if isinstance(delivery.outcome, Death):
            death = delivery.outcome
            await connection.execute(SQL.bury, delivery.id, death.type, death.code, death.reason)


class LocalDead:
    """Dead letters in the table `messaging.dead_letters`. Implements `DeadLetters`; each call is one statement."""

    def __init__(self, pool: asyncpg.Pool, book: int, arrived: Signal) -> None:
        self._pool = pool
        self._book = book
        self._arrived = arrived

    async def letters(
        self,
        *,
        queue: str | None = None,
        id: str | None = None,  # noqa: A002 - as the option
        limit: int = LETTERS_MAX,
    ) -> Sequence[DeadLetter]:
        with availability():
            rows = await self._pool.fetch(SQL.dead, self._book, queue, id, limit)
        return [DeadLetter(*row.values()) for row in rows]

    async def replay(
        self,
        *,
        queue: str | None = None,
        id: str | None = None,  # noqa: A002 - as the option
        corrected: bytes | None = None,
    ) -> int:
        with availability():
            status = await self._pool.execute(SQL.replay, self._book, queue, id, corrected)
        self._arrived.pulse()
        return _rows(status)

    async def drop(self, *, queue: str | None = None, id: str | None = None) -> int:  # noqa: A002 - as the option
        with availability():
            return _rows(await self._pool.execute(SQL.drop, self._book, queue, id))


def _rows(status: str) -> int:
    """`DELETE 3` and `INSERT 0 3` end with the number of rows."""
    return int(status.rpartition(" ")[2])
