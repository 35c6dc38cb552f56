"""Events come back from their stored text as they went in, whichever version they were stored in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from libs.eventstore.codec import Codec
from libs.eventstore.model import NewEvent, Recorded
from libs.ledger import chart
from libs.ledger.decider import Event
from libs.ledger.journal import Postings, transfer

NOON = datetime(2026, 1, 5, 12, 0, 0, 250_000, tzinfo=UTC)
OPEN_FROM = NOON + timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rang(Event):
    """Nothing but a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid(Event):
    schema_version: ClassVar[int] = 2

    amount_minor: int
    paid_at: datetime | None = None

    def postings(self) -> Postings:
        return transfer("USD", self.amount_minor, debit=chart.STRIPE_PLATFORM, credit=chart.FUNDS_UNALLOCATED)


Wide = make_dataclass(
    "Wide",
    [(f"field_{number}", int) for number in range(40)],
    bases=(Paid,),
    frozen=True,
    slots=True,
    kw_only=True,
)


def _cents(data: dict[str, Any]) -> dict[str, Any]:
    return {"amount_minor": data["amount"] * 100}


CODEC = Codec[Any]([Rang, Paid, Wide], {("Paid", 1): _cents})
MAKE: dict[str, Callable[[], Any]] = {
    "nothing": lambda: Rang(at=NOON),
    "few": lambda: Paid(at=NOON, amount_minor=7, paid_at=NOON - timedelta(hours=1)),
    "many": lambda: Wide(at=NOON, amount_minor=7, **{f"field_{number}": number for number in range(40)}),
}


def _stored(new: NewEvent) -> Recorded:
    cause = {"correlation_id": None, "causation_id": None, "actor": "test", "reason": None}
    posted = {"accounts": [], "currencies": [], "amounts": [], "leaf": b""}
    what = {"type": new.type, "schema_version": new.schema_version, "data": new.data}
    times = {"recorded_at": OPEN_FROM, "effective_at": new.effective_at}
    return Recorded(book=1, position=1, stream="x-1", version=1, **what, **times, **cause, **posted)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize("fields", MAKE)
def test_an_event_comes_back_as_it_went_in(fields: str) -> None:
    event = MAKE[fields]()
    new = CODEC.encode(event)
    assert '"at"' not in new.data
    assert CODEC.decode(_stored(new)) == event


@pytest.mark.parametrize("fields", ["few", "many"])
def test_an_event_that_takes_effect_later_keeps_its_own_time(fields: str) -> None:
    event = MAKE[fields]()
    new = CODEC.encode(event, OPEN_FROM)
    assert new.effective_at == OPEN_FROM
    assert CODEC.decode(_stored(new)) == event


def test_an_event_of_an_older_version_is_brought_up_to_date() -> None:
    old = _stored(CODEC.encode(Rang(at=NOON)))._replace(type="Paid", schema_version=1, data='{"amount": 3}')
    assert CODEC.decode(old) == Paid(at=NOON, amount_minor=300)
