"""The log read as a log: the last events, those since a moment, each as it comes, and only those that are asked for."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from libs.eventstore.ledger import Ledger
from libs.eventstore.model import Recorded
from services.audit.proofs.progress import Step
from services.audit.reports import tail
from services.audit.reports.tail import Filter
from tests.integration.audit.posting import day, post
from tests.integration.eventstore.units import capture, hold, stream

ALL = Filter()


@pytest.fixture
async def logged(owner: Ledger, ledger: Ledger) -> Ledger:
    """Six events: a capture and a hold in turn, by actors in turn of three, the fifth in a stream of its own kind."""
    for n in range(6):
        kind = "escrow" if n == 4 else "payment"
        name, postings = ("FundsHeld", hold(1)) if n % 2 else ("PaymentCaptured", capture(1))
        await post(owner, postings, day(11, 1), name, to=f"{kind}{stream()[7:]}", actor=f"actor-{n % 3}")
    return ledger


def positions(events: list[Recorded]) -> list[int]:
    return [event.position for event in events]


async def test_the_last_events_come_oldest_first(logged: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    assert positions(await tail.last(logged, ALL, 3, 6)) == [4, 5, 6]
    assert positions(await tail.last(logged, ALL, 3, 5, after=3)) == [4, 5]
    assert positions(await tail.last(logged, ALL, 99, 6)) == [1, 2, 3, 4, 5, 6]
    assert await tail.last(logged, ALL, 0, 6) == []
    monkeypatch.setattr(tail, "SCAN_POSITIONS", 2)
    told: list[Step] = []
    assert positions(await tail.last(logged, Filter(types=["FundsHeld"]), 2, 6, progress=told.append)) == [4, 6]
    assert [step.done for step in told] == [2, 4]


async def test_filters_choose_by_kind_stream_type_account_and_actor(logged: Ledger) -> None:
    [fifth] = await tail.last(logged, ALL, 1, 5)
    for only, expected in (
        (Filter(kinds=["escrow"]), [5]),
        (Filter(kinds=["escrow", "payment"]), [1, 2, 3, 4, 5, 6]),
        (Filter(stream=fifth.stream), [5]),
        (Filter(types=["FundsHeld"]), [2, 4, 6]),
        (Filter(account="escrow:held"), [2, 4, 6]),
        (Filter(account="stripe:platform", actor="actor-1"), [5]),
        (Filter(actor="nobody"), []),
    ):
        assert positions(await tail.last(logged, only, 9, 6)) == expected
        assert positions(await tail.following(logged, only, 0, 9)) == expected
        assert positions([event async for event in tail.stream(logged, only, 0, 6)]) == expected


async def test_what_follows_is_read_batch_by_batch_and_scan_by_scan(
    logged: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "SCAN_POSITIONS", 3)
    monkeypatch.setattr(tail, "BATCH_EVENTS", 2)
    assert positions([event async for event in tail.stream(logged, ALL, 1, 6)]) == [2, 3, 4, 5, 6]
    assert positions([event async for event in tail.stream(logged, Filter(types=["FundsHeld"]), 1, 6)]) == [2, 4, 6]
    assert positions(await tail.following(logged, ALL, 2, 3)) == [3, 4, 5]


async def test_a_follower_hears_of_every_event_as_it_comes(logged: Ledger, owner: Ledger) -> None:
    listening = asyncio.create_task(logged.feed.listen())
    heard: asyncio.Queue[int] = asyncio.Queue()

    async def follow() -> None:
        async for event in tail.stream(logged, Filter(types=["Noted"]), 4):
            heard.put_nowait(event.position)

    following = asyncio.create_task(follow())
    for position in (7, 9, 11):
        await post(owner, (), day(11, 2), "Other", to=stream())
        assert await post(owner, capture(1), day(11, 2)) == position + 1
        async with asyncio.timeout(10):
            assert await heard.get() == position + 1
    for task in (following, listening):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_long_poll_waits_for_the_first_event_and_no_longer_than_it_may(logged: Ledger, owner: Ledger) -> None:
    waiting = asyncio.create_task(tail.following(logged, Filter(types=["Noted"]), 6, 9, wait_seconds=20))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await post(owner, (), day(11, 2), "Other")
    await post(owner, (), day(11, 2))
    async with asyncio.timeout(10):
        assert positions(await waiting) == [8]
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await tail.following(logged, ALL, 8, 9, wait_seconds=0.2) == []
    assert loop.time() - started >= 0.2


async def test_a_line_of_json_has_every_field_of_the_event(logged: Ledger) -> None:
    [event] = await tail.last(logged, ALL, 1, 6)
    line = tail.line(event)
    assert (line["position"], line["type"], line["actor"], line["data"]) == (6, "FundsHeld", "actor-2", "{}")
    assert line["postings"][1] == {"account": "escrow:held", "currency": "USD", "amount_minor": -1}
    assert line["leaf"] == event.leaf.hex()
    assert line["effective_at"] == "2024-11-01T12:00:00+00:00"
