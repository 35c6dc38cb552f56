"""What people ask for: release, refund, unfreeze. A key makes it once; again, it is answered with what was done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.eventstore.codec import Codec
from libs.eventstore.execute import Done
from libs.eventstore.model import Key, Meta, stream_name
from libs.eventstore.store import Store
from libs.ledger.errors import NotFound
from libs.settings import registry
from libs.settings.live import LiveSettings
from services.escrow.domain import ESCROW
from services.escrow.domain import events as e
from services.escrow.domain.commands import Refund, ReleaseNow, Unfreeze, Wish
from services.escrow.handlers.steps import Steps, typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who asks for it, why, when, and under which key."""

    escrow_id: UUID
    at: datetime
    actor: str
    reason: str
    key: Key
    correlation_id: str | None = None


class Requests:
    """All return the events they led to. They raise what `Executor.run` raises, `NotFound` (`unknown_escrow`) and
    `Rejected` with the codes in the README.
    """

    def __init__(self, steps: Steps, store: Store, codec: Codec[e.EscrowEvent], settings: LiveSettings) -> None:
        self._steps = steps
        self._store = store
        self._codec = codec
        self._settings = settings

    async def release(self, request: Request, seller: str | None, amount_minor: int | None) -> Sequence[e.EscrowEvent]:
        async def once(meta: Meta, order_id: str) -> Done:
            wish = _wish(request, order_id, seller, amount_minor)
            return await self._steps.run(request.escrow_id, ReleaseNow(wish=wish), meta, request.key)

        return await self._once(request, once)

    async def refund(self, request: Request, seller: str | None, amount_minor: int | None) -> Sequence[e.EscrowEvent]:
        async def once(meta: Meta, order_id: str) -> Done:
            wish = _wish(request, order_id, seller, amount_minor)
            window_days = self._settings.get(registry.REFUND_WINDOW_DAYS)
            return await self._steps.run_with_balances(
                request.escrow_id,
                lambda available: Refund(wish=wish, window_days=window_days, available_minor=available),
                meta,
                request.key,
            )

        return await self._once(request, once)

    async def unfreeze(self, request: Request, cause_id: str) -> Sequence[e.EscrowEvent]:
        async def once(meta: Meta, order_id: str) -> Done:
            reason = typed(request.reason, request.actor, order_id)
            command = Unfreeze(at=request.at, cause_id=cause_id, by=request.actor, reason=reason)
            return await self._steps.run(request.escrow_id, command, meta, request.key)

        return await self._once(request, once)

    async def _once(self, request: Request, run: Callable[[Meta, str], Awaitable[Done]]) -> Sequence[e.EscrowEvent]:
        if found := await self._store.find(request.key):
            return await self._stored(request.escrow_id, found.positions)
        state = await self._steps.state(request.escrow_id)
        if state.held is None:
            raise NotFound(
                f"There is no escrow {request.escrow_id}; GET /escrows?order_id=... finds the one of an order.",
                code="unknown_escrow",
                escrow_id=request.escrow_id,
            )
        # What they typed stays out of the meta data: it is sealed in the events alone.
        meta = Meta(request.actor, correlation_id=request.correlation_id or state.held.order_id)
        done = await run(meta, state.held.order_id)
        if done.duplicate and (found := await self._store.find(request.key)):
            return await self._stored(request.escrow_id, found.positions)
        return [event for event in done.events if isinstance(event, e.EscrowEvent)]

    async def _stored(self, escrow_id: UUID, positions: range) -> Sequence[e.EscrowEvent]:
        stream = stream_name(ESCROW.kind, escrow_id)
        recorded = (await self._store.load(stream))[stream]
        return [self._codec.decode(each) for each in recorded if each.position in positions]


def _wish(request: Request, order_id: str, seller: str | None, amount_minor: int | None) -> Wish:
    return Wish(
        at=request.at,
        by=request.actor,
        reason=typed(request.reason, request.actor, order_id),
        seller=seller,
        amount_minor=amount_minor,
    )
