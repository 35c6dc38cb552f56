"""A service small enough to be read at a glance, run by the runtime's tests as any real one is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

import asyncpg
from fastapi import APIRouter

from contracts.events.base import Message
from contracts.events.orders import OrderCancelled
from contracts.events.settings import SettingChanged
from libs.eventstore.codec import Codec
from libs.eventstore.execute import Executor, Step
from libs.eventstore.ledger import open_ledger
from libs.eventstore.model import Meta, Recorded
from libs.eventstore.projector import Projector
from libs.ledger.decider import Decider, Event
from libs.messaging.envelope import Envelope, wrap
from libs.messaging.relay import Announcer
from libs.messaging.route import EVENTS, ORDERS, Route
from libs.messaging.topology import Binding
from libs.runtime.service import Service
from tests.integration.eventstore.applying import projection

BINDINGS: Final = (Binding("example.orders", ORDERS, ("order.#",)), Binding("example.events", EVENTS, ("#",)))
_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Event):
    order_id: str


NOTE: Final[Decider[str, int, Noted]] = Decider(
    kind="note",
    initial=0,
    decide=lambda order_id, notes: [] if notes else [Noted(order_id=order_id, at=_NOW)],
    evolve=lambda notes, _event: notes + 1,
    events=(Noted,),
)


def _announce(event: Noted) -> Message:
    return SettingChanged(
        key=event.order_id, old=None, new=1, changed_by="example", reason="noted", changed_at=event.at
    )


async def _apply(connection: Any, events: Sequence[Recorded]) -> None:
    await connection.executemany("insert into notes values ($1)", [(event.stream,) for event in events])


def order(order_id: str) -> Envelope:
    message = OrderCancelled(order_id=order_id, cancelled_by="buyer", reason="changed mind")
    return wrap(message, id=f"order {order_id}", source="/shop", time=_NOW)


async def admit(url: str) -> None:
    """Let the service into a migrated database, as its own migration would."""
    connection = await asyncpg.connect(url)
    await connection.execute("select ledger.admit_service('example', array['note'])")
    await connection.execute("create table example.notes (stream text primary key)")
    await connection.close()


@asynccontextmanager
async def example(url: str, announced: list[str]) -> AsyncIterator[Service]:
    """Notes every cancelled order once, announces it, hears its own announcement and adds that to `announced`."""
    async with open_ledger(url, "example") as ledger:
        codec = Codec(NOTE.events)
        executor = Executor(ledger.writer, codec)

        async def note(message: OrderCancelled, _envelope: Envelope) -> None:
            stream_id: UUID = uuid5(NAMESPACE_URL, message.order_id)
            await executor.run(Step(NOTE, stream_id, message.order_id), meta=Meta("example"))

        async def hear(message: SettingChanged, _envelope: Envelope) -> None:
            announced.append(message.key)

        router = APIRouter()

        @router.get("/notes")
        async def notes() -> int:
            count: int = await ledger.pool.fetchval("select count(*) from notes")
            return count

        yield Service(
            name="example",
            ledger=ledger,
            routes=[
                Route("example.orders", ORDERS, ("order.#",), {OrderCancelled: note}),
                Route("example.events", EVENTS, ("#",), {SettingChanged: hear}),
            ],
            router=router,
            projections=[Projector(ledger.pool, ledger.feed, projection("notes", {"notes": ()}, (NOTE.kind,), _apply))],
            announcer=Announcer("/holdfast/example", (NOTE.kind,), codec, _announce),
        )
