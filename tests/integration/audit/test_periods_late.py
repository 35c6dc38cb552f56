"""Facts that arrive after their month was closed: they are booked in the open one, and keep their own time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import pytest

from libs.eventstore.codec import Codec
from libs.eventstore.execute import Executor, Step
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Key, Meta, Recorded, stream_name
from libs.ledger.decider import Decider, Event
from libs.ledger.errors import Rejected
from libs.ledger.journal import Postings
from services.audit.proofs.verify import verify
from services.escrow.domain.allocation import escrow_id_of
from tests.integration.audit.months import META, at, checked, periods, post
from tests.integration.escrow.world import NOON, captured, day, delivered, envelope, open_world
from tests.integration.eventstore.units import capture

OCTOBER = at("2026-10-31 23:59:59.999999")
NOVEMBER = at("2026-11-01 00:00:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid(Event):
    minor: int

    def postings(self) -> Postings:
        return capture(self.minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Event):
    pass


@dataclass(frozen=True, slots=True)
class Pay:
    at: datetime


def _decide(command: Pay, state: int) -> Sequence[Paid | Noted]:
    return [Noted(at=command.at), Paid(at=command.at, minor=5)]


PAYING = Decider[Pay, int, Paid | Noted]("payment", 0, _decide, lambda state, _: state + 1, (Paid, Noted))


@pytest.fixture
async def closed(every_database_url: str) -> AsyncIterator[Ledger]:
    """A book whose October is closed, seen as `payment`."""
    async with open_ledger(every_database_url, "audit") as audit, open_ledger(every_database_url, "payment") as ledger:
        await post(ledger, OCTOBER, capture(100))
        await periods(audit).close("2026-10", META)
        yield ledger
        assert (await checked(audit, "2026-10")).holds


async def _pay(ledger: Ledger, moment: datetime, *, key: Key | None = None, as_dated: bool = False) -> list[Recorded]:
    executor, stream_id = Executor(ledger.writer, Codec(PAYING.events)), UUID(int=7) if key else uuid4()
    await executor.run(Step(PAYING, stream_id, Pay(moment)), meta=Meta("test"), key=key, as_dated=as_dated)
    return (await ledger.store.load(stream_name("payment", stream_id)))[stream_name("payment", stream_id)]


async def test_a_late_fact_is_booked_in_the_first_open_instant_and_keeps_its_time(closed: Ledger) -> None:
    noted, paid = await _pay(closed, OCTOBER)
    assert paid.effective_at == NOVEMBER
    assert noted.effective_at == OCTOBER  # it posts nothing
    codec = Codec(PAYING.events)
    assert codec.decode(paid) == Paid(at=OCTOBER, minor=5)
    assert codec.decode(noted) == Noted(at=OCTOBER)
    assert datetime.fromisoformat(json.loads(paid.data)["at"]) == OCTOBER
    assert await closed.store.balance("stripe:platform", "USD") == 105

    _, paid = await _pay(closed, NOVEMBER)  # what is not late is stored as ever
    assert (paid.effective_at, paid.data) == (NOVEMBER, '{"minor":5}')


async def test_a_late_fact_that_comes_twice_is_booked_once(closed: Ledger) -> None:
    key = Key("message-1", bytes(32))
    assert await _pay(closed, OCTOBER, key=key) == await _pay(closed, OCTOBER, key=key)
    assert await closed.store.balance("stripe:platform", "USD") == 105


async def test_a_booking_that_somebody_dates_into_a_closed_month_is_refused(closed: Ledger) -> None:
    with pytest.raises(
        Rejected, match=r"2026-10 is closed.*as of 2026-11-01T00:00:00.*reopen-month 2026-10"
    ) as refused:
        await _pay(closed, OCTOBER, as_dated=True)
    assert refused.value.code == "period_closed"
    assert refused.value.fields == {"month": "2026-10", "closed_before": "2026-11-01T00:00:00+00:00"}
    assert len(await _pay(closed, NOVEMBER, as_dated=True)) == 2


async def test_a_payment_heard_of_after_its_month_was_closed_goes_its_way(database_url: str) -> None:
    """The service as it is: its message was delayed by a month, its job runs with the time of then."""
    november, december = at("2026-11-30 23:59:59"), at("2026-12-01 00:00:00")
    async with open_world(database_url) as world, open_ledger(database_url, "audit") as audit:
        message = captured("order-1")
        await world.pay(message)
        await periods(audit).close("2026-11", META)

        await world.receive(envelope(message), envelope(delivered("order-1", on=3)))
        # Inspection counts from the delivery, not from December.
        assert (await world.release_due(10))["released"] == 2

        stream = stream_name("escrow", escrow_id_of(1, "order-1"))
        stored = (await world.owner.store.load(stream))[stream]
        assert [(event.type, event.effective_at) for event in stored] == [
            ("FundsHeld", december),
            ("DeliveryConfirmed", day(3)),
            ("AllocationReleased", december),
            ("AllocationReleased", december),
        ]
        announcer = world.service.announcer
        assert announcer
        messages = [sent.data for sent in map(announcer.envelope, stored) if sent]
        assert datetime.fromisoformat(str(messages[0]["held_at"])) == NOON < november
        assert (await checked(audit, "2026-11")).holds
        assert (await verify(audit)).faults == []
