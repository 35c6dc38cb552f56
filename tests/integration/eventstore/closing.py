"""Closing accounting periods as the audit does, without the audit."""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Appended, Change, NewEvent, Unit, stream_name
from tests.integration.eventstore.units import META, NOON

PERIOD = stream_name("period", UUID(int=0))


def closing(before: datetime, *, version: int, reopen: bool = False) -> Unit:
    """Nothing may post any more with an effective time before this moment; or, from it on, again."""
    data = json.dumps({"month": before.strftime("%Y-%m"), "closing": 1, "closed_before": before.isoformat()})
    name = "PeriodReopened" if reopen else "PeriodClosed"
    return Unit([Change(PERIOD, version, [NewEvent(name, data, NOON)])], META)


async def close_before(ledger: Ledger, moment: datetime) -> None:
    """Close for the first time in this book."""
    [outcome] = await ledger.store.append([closing(moment, version=0)])
    assert isinstance(outcome, Appended)
