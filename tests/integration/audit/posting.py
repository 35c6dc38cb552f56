"""A book written event by event, each at times of the test's choosing on both clocks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Appended, Change, Meta, NewEvent, Unit
from libs.eventstore.projector import Projector
from libs.ledger.journal import Postings
from services.audit.views import entries
from tests.integration.eventstore.units import stream


def day(month: int, number: int, hour: int = 12) -> datetime:
    """A time in 2024: nothing can have been recorded later than the server's clock says it is."""
    return datetime(2024, month, number, hour, tzinfo=UTC)


async def post(
    owner: Ledger, postings: Postings, at: datetime, name: str = "Noted", *, to: str | None = None, **meta: Any
) -> int:
    """Append one event that takes effect `at`; its position."""
    change = Change(to or stream(), 0, [NewEvent(name, "{}", at, postings)])
    [outcome] = await owner.store.append([Unit([change], Meta(**{"actor": "test"} | meta))])
    assert isinstance(outcome, Appended), outcome
    return outcome.positions[0]


async def record_at(owner: Ledger, times: Mapping[int, datetime]) -> None:
    """Make it look as if the blocks that begin at these positions had been recorded at these times."""
    await owner.pool.execute(
        "alter table ledger.events disable trigger append_only; alter table ledger.blocks disable trigger append_only"
    )
    for position, moment in times.items():
        through = await owner.pool.fetchval(
            "update ledger.blocks set sealed_at = $2 where first_position = $1 returning last_position",
            position,
            moment,
        )
        await owner.pool.execute(
            "update ledger.events set recorded_at = $3 where position between $1 and $2", position, through, moment
        )
    await owner.pool.execute(
        "alter table ledger.events enable trigger append_only; alter table ledger.blocks enable trigger append_only"
    )


async def follow(ledger: Ledger) -> None:
    """Bring the audit's account entries up to the log."""
    await Projector(ledger.pool, ledger.feed, entries.projection()).catch_up()
