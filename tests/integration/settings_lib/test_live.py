from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Appended, Change, Meta, NewEvent, Unit, stream_name
from libs.ledger.errors import Corrupt
from libs.settings import registry
from libs.settings.live import LiveSettings
from libs.settings.registry import Setting


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    async with open_ledger(database_url, None) as opened:
        yield opened


async def change(ledger: Ledger, setting: Setting[Any], *values: Any) -> None:
    stream = stream_name("setting", registry.setting_id(ledger.store.book, setting.key))
    version = len((await ledger.store.load(stream))[stream])
    events = [
        NewEvent("SettingChanged", json.dumps({"key": setting.key, "new": value}), datetime.now(UTC))
        for value in values
    ]
    [outcome] = await ledger.store.append([Unit([Change(stream, version, events)], Meta("test"))])
    assert isinstance(outcome, Appended)


async def test_settings_start_with_their_defaults(ledger: Ledger) -> None:
    settings = await LiveSettings.open(ledger)
    assert settings.get(registry.ESCROW_INSPECTION_DAYS) == 7
    assert settings.get(registry.COMMISSION_CARD).basis_points == 2_000


async def test_the_last_change_counts_and_is_typed(ledger: Ledger) -> None:
    await change(
        ledger, registry.COMMISSION_CARD, *({"basis_points": n, "min_minor": 0, "max_minor": 9} for n in (1, 2))
    )
    await change(ledger, registry.ESCROW_ENABLED, False)
    settings = await LiveSettings.open(ledger)
    assert settings.get(registry.COMMISSION_CARD) == registry.Commission(basis_points=2, min_minor=0, max_minor=9)
    assert settings.get(registry.ESCROW_ENABLED) is False


async def test_a_job_sees_a_change_after_a_refresh(ledger: Ledger) -> None:
    settings = await LiveSettings.open(ledger)
    await change(ledger, registry.JOB_BATCH_SIZE, 7)
    assert settings.get(registry.JOB_BATCH_SIZE) == 50
    await settings.refresh()
    assert settings.get(registry.JOB_BATCH_SIZE) == 7


async def test_a_running_service_sees_a_change_by_itself(ledger: Ledger) -> None:
    settings = await LiveSettings.open(ledger)
    following = asyncio.create_task(settings.follow())
    try:
        await change(ledger, registry.PAYOUT_FREQUENCY, "on_demand")
        async with asyncio.timeout(10):
            while settings.get(registry.PAYOUT_FREQUENCY) != "on_demand":  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
    finally:
        following.cancel()


async def test_a_value_that_this_release_does_not_take_is_an_error_and_changes_nothing(ledger: Ledger) -> None:
    settings = await LiveSettings.open(ledger)
    await change(ledger, registry.ESCROW_INSPECTION_DAYS, 3)
    await change(ledger, registry.PAYOUT_FREQUENCY, "at full moon")
    with pytest.raises(Corrupt, match=r"payout\.frequency"):
        await settings.refresh()
    assert settings.get(registry.ESCROW_INSPECTION_DAYS) == 7


async def test_each_book_has_its_own_settings(ledger: Ledger, database_url: str) -> None:
    await ledger.pool.execute("insert into ledger.books (book) values (2)")
    await change(ledger, registry.PAYOUT_MINIMUM, 1)
    async with open_ledger(database_url, None, book=2) as other:
        assert (await LiveSettings.open(other)).get(registry.PAYOUT_MINIMUM) == 1_000
    assert (await LiveSettings.open(ledger)).get(registry.PAYOUT_MINIMUM) == 1
