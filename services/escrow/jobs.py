"""What CronJobs call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from libs.eventstore.execute import Done
from libs.eventstore.projector import Projector
from libs.ledger.errors import Unavailable
from libs.runtime.service import Progress
from libs.settings import registry
from libs.settings.live import LiveSettings
from services.escrow.domain.events import AllocationReleased, DeliveryConfirmed
from services.escrow.handlers.incoming import Handlers
from services.escrow.views.reads import Due, Views

log = structlog.get_logger(__name__)


class ReleaseDue:
    """Confirm what nobody confirmed in time, release what is due; batch after batch until nothing is.

    Every escrow decides on its own stream, so of two jobs at once one releases and the other finds nothing to do. An
    escrow that fails is left for the next run and counted in `left`, and so in the exit code.
    """

    def __init__(self, handlers: Handlers, views: Views, projector: Projector, settings: LiveSettings) -> None:
        self._handlers = handlers
        self._views = views
        self._projector = projector
        self._settings = settings

    async def __call__(self, as_of: datetime, progress: Progress) -> Mapping[str, Any]:
        """The summary counts allocations. Raises `Unavailable`; the next run goes on where this one stopped."""
        released = confirmed = 0
        in_vain: set[UUID] = set()
        while batch := await self._next(as_of, in_vain):
            # All at once: their appends meet in the writer and share its commits.
            outcomes = await asyncio.gather(*(self._release(due, as_of) for due in batch), return_exceptions=True)
            for due, outcome in zip(batch, outcomes, strict=True):
                happened = _happened(due, outcome)
                if not happened:
                    in_vain.add(due.escrow_id)
                released += sum(isinstance(event, AllocationReleased) for event in happened)
                confirmed += sum(len(event.sellers) for event in happened if isinstance(event, DeliveryConfirmed))
            progress(f"{released} allocations released, {confirmed} auto-confirmed")
        left = await self._views.due_count(as_of)
        return {"done": released + confirmed, "left": left, "released": released, "auto_confirmed": confirmed}

    async def _next(self, as_of: datetime, in_vain: set[UUID]) -> list[Due]:
        await self._projector.catch_up()
        return await self._views.due(as_of, without=in_vain, limit=self._settings.get(registry.JOB_BATCH_SIZE))

    async def _release(self, due: Due, as_of: datetime) -> Done:
        return await self._handlers.release_due(due.escrow_id, due.order_id, as_of)


def _happened(due: Due, outcome: Done | BaseException) -> Sequence[object]:
    match outcome:
        case Done(events=events):
            return events
        case Unavailable():
            raise outcome
        case Exception():
            log.error("an escrow could not be released", order_id=due.order_id, exc_info=outcome)
            return ()
        case _:
            raise outcome
