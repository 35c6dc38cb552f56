"""Changing settings over HTTP, down to the log and out to the message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from contracts.events.settings import SettingChanged
from libs.eventstore.ledger import Ledger, open_ledger
from libs.eventstore.model import Refused
from libs.messaging.envelope import decode
from libs.runtime.problems import install_problems
from libs.runtime.service import Service
from libs.settings import registry
from libs.settings.live import LiveSettings
from services.settings.service import build
from tests.data_key import config
from tests.integration.eventstore.units import NOON, unit

KEY = "/settings/escrow.inspection_days"


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    async with open_ledger(database_url, "settings") as opened:
        yield opened


@pytest.fixture
async def service(ledger: Ledger) -> AsyncIterator[Service]:
    async with build(ledger, config(), LiveSettings(ledger.store), lambda: NOON) as built:
        yield built


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_problems(app)
    assert service.router
    app.include_router(service.router)
    headers = {"user-agent": "a browser"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, client=("10.0.0.9", 1)), base_url="http://s", headers=headers
    ) as opened:
        yield opened


def to(value: Any, reason: str = "a sale") -> dict[str, Any]:
    return {"value": value, "actor": "ada", "reason": reason}


async def test_all_settings_are_listed_and_the_public_ones_alone(client: httpx.AsyncClient) -> None:
    every = (await client.get("/settings")).json()
    assert [setting["key"] for setting in every] == list(registry.SETTINGS)
    assert {setting["version"] for setting in every} == {0}
    public = (await client.get("/settings?public=true")).json()
    assert [setting["key"] for setting in public] == [s.key for s in registry.SETTINGS.values() if s.public]
    assert 0 < len(public) < len(every)


async def test_a_change_is_seen_with_who_why_and_from_where(client: httpx.AsyncClient, ledger: Ledger) -> None:
    await client.put(KEY, json=to(5))
    changed = await client.put(KEY, json=to(3, "a bigger sale"))
    assert (changed.status_code, changed.json()["value"], changed.headers["etag"]) == (200, 3, '"2"')
    shown = (await client.get(KEY)).json()
    assert (shown["value"], shown["default"], shown["version"]) == (3, 7, 2)
    assert shown["history"][0] == {
        "version": 2,
        "old": 5,
        "new": 3,
        "actor": "ada",
        "reason": "a bigger sale",
        "ip": "10.0.0.9",
        "user_agent": "a browser",
        "changed_at": "2026-11-02T12:00:00Z",
    }
    assert (await LiveSettings.open(ledger)).get(registry.ESCROW_INSPECTION_DAYS) == 3


async def test_a_change_is_announced(client: httpx.AsyncClient, service: Service, ledger: Ledger) -> None:
    card = {"basis_points": 1500, "min_minor": 0, "max_minor": 9000}
    await client.put("/settings/commission.card", json=to(card))
    assert service.announcer
    [event], _ = await ledger.feed.read(0, service.announcer.kinds)
    envelope = service.announcer.envelope(event)
    assert envelope
    assert (envelope.type, envelope.subject) == ("setting.changed.v1", "commission.card")
    message = decode(envelope)
    assert isinstance(message, SettingChanged)
    assert (message.new, message.changed_by) == (card, "ada")
    assert "10.0.0.9" not in str(envelope)


async def test_the_same_value_again_is_no_change(client: httpx.AsyncClient, ledger: Ledger) -> None:
    assert (await client.put(KEY, json=to(7))).status_code == 200
    await client.put(KEY, json=to(5))
    assert (await client.put(KEY, json=to(5))).headers["etag"] == '"1"'
    assert await ledger.feed.head() == 1


async def test_a_change_is_refused_when_somebody_else_was_faster(client: httpx.AsyncClient) -> None:
    seen = (await client.get(KEY)).headers["etag"]
    assert (await client.put(KEY, json=to(5), headers={"if-match": seen})).status_code == 200
    late = await client.put(KEY, json=to(6), headers={"if-match": seen})
    assert (late.status_code, late.headers["content-type"]) == (412, "application/problem+json")
    assert (await client.get(KEY)).json()["value"] == 5
    assert (await client.put(KEY, json=to(6), headers={"if-match": "*"})).status_code == 200


async def test_of_many_changes_at_once_with_the_same_version_one_is_made(
    client: httpx.AsyncClient, ledger: Ledger
) -> None:
    answers = await asyncio.gather(
        *(client.put(KEY, json=to(days), headers={"if-match": '"0"'}) for days in range(10, 20))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9
    assert await ledger.feed.head() == 1


async def test_a_request_repeated_under_its_key_is_made_once_even_when_the_setting_moved_on(
    client: httpx.AsyncClient, ledger: Ledger
) -> None:
    once = {"idempotency-key": "k-1", "if-match": '"0"'}
    await client.put(KEY, json=to(5), headers=once)
    await client.put(KEY, json=to(6))
    again = await client.put(KEY, json=to(5), headers=once)
    assert (again.status_code, again.json()["value"]) == (200, 6)
    assert await ledger.feed.head() == 2


async def test_a_key_belongs_to_one_request(client: httpx.AsyncClient) -> None:
    once = {"idempotency-key": "k-1"}
    await client.put(KEY, json=to(5), headers=once)
    for url, body in ((KEY, to(6)), ("/settings/escrow.deliver_by_days", to(5))):
        refused = await client.put(url, json=body, headers=once)
        assert (refused.status_code, refused.json()["code"]) == (422, "key_reused")


@pytest.mark.parametrize(
    ("url", "body", "headers", "status", "code"),
    [
        ("/settings/escrow.colour", to(5), {}, 404, "unknown_setting"),
        (KEY, to("7"), {}, 422, "bad_setting"),
        (KEY, to(True), {}, 422, "bad_setting"),
        ("/settings/payout.frequency", to("hourly"), {}, 422, "bad_setting"),
        (KEY, {"value": 7, "actor": "ada"}, {}, 422, "invalid_request"),
        (KEY, to(7, ""), {}, 422, "invalid_request"),
        (KEY, to(7), {"if-match": "seven"}, 422, "bad_if_match"),
    ],
)
async def test_what_cannot_be_is_refused_and_stores_nothing(
    client: httpx.AsyncClient,
    ledger: Ledger,
    url: str,
    body: dict[str, Any],
    headers: dict[str, str],
    status: int,
    code: str,
) -> None:
    refused = await client.put(url, json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await ledger.feed.head() == 0


async def test_a_setting_that_is_not_editable_is_refused(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed = replace(registry.JOB_BATCH_SIZE, editable=False)
    monkeypatch.setattr(registry, "SETTINGS", {**registry.SETTINGS, fixed.key: fixed})
    refused = await client.put(f"/settings/{fixed.key}", json=to(7))
    assert (refused.status_code, refused.json()["code"]) == (422, "not_editable")


async def test_an_unknown_setting_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get("/settings/escrow.colour")).status_code == 404


async def test_the_service_may_write_settings_and_nothing_else(ledger: Ledger) -> None:
    [refused] = await ledger.store.append([unit()])
    assert isinstance(refused, Refused)
    assert refused.code == "forbidden"
