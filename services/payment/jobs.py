"""What CronJobs call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from libs.eventstore.execute import Executor, Step
from libs.eventstore.model import Meta
from libs.ledger import chart
from libs.ledger.decider import Event
from libs.ledger.errors import HoldfastError
from libs.ledger.reconciliation import Line
from libs.runtime.chores import Chores
from libs.runtime.reconcile.reads import Reads
from libs.runtime.reconcile.statement import Charge
from libs.runtime.service import Progress, RunJob
from libs.settings import registry
from libs.settings.live import LiveSettings
from services.payment.domain.events import PaymentExpired
from services.payment.domain.fees import FEE, FEE_LINES, FEE_OF_LINE, ChargeFee, fee_id
from services.payment.views.reads import FIRST_OVERDUE, Overdue, Views

Expire = Callable[[UUID, str, str], Awaitable[Sequence[Event]]]

log = structlog.get_logger(__name__)


def expire_due(chores: Chores, expire: Expire, views: Views, settings: LiveSettings) -> RunJob:
    """The job `expire-due`: let nobody pay any more what should have been paid by now.

    Its summary: payments that expired (`done`), those that it could not settle for an error (`left`). Who paid or began
    to pay at the last moment is neither.
    """

    async def expired(due: Overdue) -> bool | None:
        """Whether this one expired, None where nobody knows: the next run asks again."""
        try:
            events = await expire(due.payment_id, due.order_id, due.intent_id)
        except HoldfastError as error:
            log.warning("a payment could not be expired", order_id=due.order_id, error=error.text)
            return None
        return any(isinstance(event, PaymentExpired) for event in events)

    async def run(as_of: datetime, progress: Progress) -> Mapping[str, Any]:
        await chores.catch_up()
        done = left = 0
        after, limit = FIRST_OVERDUE, settings.get(registry.JOB_BATCH_SIZE)
        while batch := await views.expirable(as_of, after=after, limit=limit):
            outcomes = await asyncio.gather(*map(expired, batch))
            done, left, after = done + outcomes.count(True), left + outcomes.count(None), batch[-1]
            progress(f"{done} payments expired")
        return {"done": done, "left": left}

    return run


def charging(executor: Executor, reads: Reads, book: int) -> Charge:
    """Books the fees among the platform's lines, each once: whoever else does it meets the same stream."""

    async def charge(lines: Sequence[Line]) -> Sequence[Line]:
        fees = [line for line in lines if line.line_type == FEE_OF_LINE or line.line_type in FEE_LINES]
        if not fees:
            return ()
        newest = max(line.at for line in fees)
        names = {name for line in fees for name in (line.source, line.charged_for) if name}
        known = (await reads.booked(chart.STRIPE_PLATFORM, names, newest)).by_source

        async def booked(line: Line) -> bool:
            about = known.get(line.charged_for, ()) if line.charged_for else ()
            command = ChargeFee(
                balance_transaction=line.id,
                charge=line.charged_for,
                order_id=next((each.about for each in about if each.about), None),
                currency=line.currency,
                amount_minor=-line.amount_minor,
                at=line.at,
            )
            meta = Meta("payment", correlation_id=command.order_id)
            return bool((await executor.run(Step(FEE, fee_id(book, line.id), command), meta=meta)).events)

        new = [line for line in fees if line.source not in known]
        return [line for line, done in zip(new, await asyncio.gather(*map(booked, new)), strict=True) if done]

    return charge
