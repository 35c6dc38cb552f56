"""What the bank waits for, told again and again while there is time, and after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from services.payment.views.chargebacks import NEAR, ChargebackViews

DEADLINE_NEAR: Final = "chargeback deadline near"
DEADLINE_PASSED: Final = "chargeback deadline passed"
"""Stable: alerts are made of them."""
LOOK_AGAIN_SECONDS: Final = 3_600.0
GIVEN_UP: Final = timedelta(days=30)
"""After so long the bank has decided, or its decision never reached us, which reconciliation shows."""

log = structlog.get_logger(__name__)


class Deadlines:
    """Warns of every chargeback and inquiry that waits for our answer, once an hour and process."""

    def __init__(self, views: ChargebackViews, clock: Callable[[], datetime]) -> None:
        self._views = views
        self._clock = clock

    async def run(self) -> None:
        """Warn until cancelled. Raises `Unavailable`."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def look(self) -> None:
        now = self._clock()
        for row in await self._views.unanswered(now - GIVEN_UP, now + NEAR):
            names = {name: str(row[name]) for name in ("chargeback_id", "payment_id", "order_id", "stage")}
            names["respond_by"] = row["respond_by"].isoformat()
            if row["respond_by"] < now:
                log.error(DEADLINE_PASSED, **names)
            else:
                log.warning(DEADLINE_NEAR, **names)
