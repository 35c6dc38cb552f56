"""`payouts-due`: pay every seller whose slot is open, and again what failed.

Any number may run at once: a payout's id is made of its slot, and its start claims the money.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog

from libs.ledger.errors import HoldfastError
from libs.ledger.money import format_minor
from libs.runtime.chores import Chores
from libs.runtime.service import Progress, RunJob
from libs.settings import registry
from libs.settings.live import LiveSettings
from services.payout_scheduler.domain.calendar import FREQUENCIES, slot_at
from services.payout_scheduler.domain.payout import Claim
from services.payout_scheduler.handlers.payer import Payer
from services.payout_scheduler.views.reads import FIRST_PAYOUT, FIRST_WALLET, Views
from services.payout_scheduler.work import SUBMIT_PAYOUT

SUBMITTED_WITHIN_SECONDS: Final = 10.0
_LOOK_AGAIN_SECONDS: Final = 0.1

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Tally:
    progress: Progress
    paid: Counter[str] = field(default_factory=Counter)
    done: int = 0
    left: int = 0

    async def count(self, what: str, starting: Awaitable[Claim | None]) -> None:
        """One seller's trouble must not keep the others from their money."""
        try:
            claim = await starting
        except HoldfastError as error:
            self.left += 1
            log.warning("a payout could not be started, the next run will try again", payout=what, error=error.text)
            self.progress(f"{what}: {error.text}")
            return
        if claim is not None:
            self.done += 1
            self.paid[claim.currency] += claim.amount_minor
            amount = format_minor(claim.amount_minor, claim.currency)
            self.progress(f"{what}: {amount} {claim.currency}, attempt {claim.attempt}")


def payouts_due(chores: Chores, payer: Payer, views: Views, settings: LiveSettings) -> RunJob:
    """The job. Its summary: payouts started (`done`), those not started or not submitted for an error (`left`), amounts
    by currency (`paid_minor`), and balances whose seller is not ready (`waiting`), which are no error.
    """

    async def run(as_of: datetime, progress: Progress) -> Mapping[str, Any]:
        tally = _Tally(progress)
        await chores.catch_up()
        await _again(as_of, tally)
        await chores.catch_up()  # a payout that waits for its next try keeps its seller's slot shut
        await _slots(as_of, tally)
        unsubmitted = await _submitted(chores, as_of)
        return {
            "done": tally.done,
            "left": tally.left + unsubmitted,
            "paid_minor": dict(tally.paid),
            "waiting": await views.not_ready(),
        }

    async def _again(as_of: datetime, tally: _Tally) -> None:
        after, limit = FIRST_PAYOUT, settings.get(registry.JOB_BATCH_SIZE)
        while batch := await views.retries(as_of, after=after, limit=limit):
            await asyncio.gather(*(tally.count(f"{x.seller} again", payer.pay_again(x, as_of)) for x in batch))
            after = batch[-1].payout_id

    async def _slots(as_of: datetime, tally: _Tally) -> None:
        slots: dict[str, str] = {frequency: slot for frequency in FREQUENCIES if (slot := slot_at(frequency, as_of))}
        after, limit = FIRST_WALLET, settings.get(registry.JOB_BATCH_SIZE)
        while batch := await views.due(slots, settings.get(registry.PAYOUT_FREQUENCY), after=after, limit=limit):
            await asyncio.gather(*(tally.count(f"{x.seller} {x.slot}", payer.pay_slot(x, as_of)) for x in batch))
            after = (batch[-1].seller, batch[-1].currency)

    return run


async def _submitted(chores: Chores, as_of: datetime) -> int:
    """How many payouts Stripe has not been told of; a worker elsewhere may be at some of them this very moment."""
    deadline = asyncio.get_running_loop().time() + SUBMITTED_WITHIN_SECONDS
    while (left := await chores.drain([SUBMIT_PAYOUT], as_of)) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - the worker may be another process
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return left
