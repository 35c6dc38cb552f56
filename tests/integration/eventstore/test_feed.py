"""Readers see every event once, in order, whatever writers and servers do meanwhile."""

from __future__ import annotations

import asyncio

from libs.eventstore.ledger import Ledger
from libs.eventstore.signal import pulsed
from tests.integration.eventstore.units import capture, stream, unit


async def test_a_reader_of_one_kind_moves_past_all_others(ledger: Ledger) -> None:
    await ledger.store.append([unit(capture()), unit(to=stream().replace("payment", "escrow"))])
    events, through = await ledger.feed.read(0, ["escrow"])
    assert [event.kind for event in events] == ["escrow"]
    assert through == 2
    assert await ledger.feed.read(through, ["escrow"]) == ([], 2)


async def test_an_append_wakes_a_listener_long_before_it_would_poll(ledger: Ledger) -> None:
    listening = asyncio.create_task(ledger.feed.listen())
    await ledger.feed.signal.arm().wait()
    armed = ledger.feed.signal.arm()
    await ledger.store.append([unit(capture())])
    async with asyncio.timeout(5):
        await pulsed(armed, poll_seconds=60)
    listening.cancel()
