from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from libs.runtime import health
from libs.runtime.health import Ping, health_router
from libs.runtime.loops import LoopState


async def _answers() -> None:
    return


async def _fails() -> None:
    raise OSError("amqp://guest:hidden@broker/ refused")


async def _hangs() -> None:
    await asyncio.sleep(60)


async def _get(path: str, pings: list[Ping], loops: dict[str, LoopState]) -> httpx.Response:
    app = FastAPI()
    app.include_router(health_router(pings, loops))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get(path)


async def test_a_process_whose_needs_are_met_is_ready() -> None:
    answer = await _get("/readyz", [Ping("database", _answers)], {"relay": LoopState("running")})
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ready", "checks": {"database": "ok", "loop relay": "ok"}},
    )


async def test_a_need_that_fails_is_named_without_its_password() -> None:
    answer = await _get("/readyz", [Ping("database", _answers), Ping("broker", _fails)], {})
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "ok", "broker": "OSError: amqp://guest:[redacted]@broker/ refused"}


async def test_a_need_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PING_SECONDS", 0.05)
    answer = await _get("/readyz", [Ping("broker", _hangs)], {})
    assert (answer.status_code, answer.json()["checks"]["broker"]) == (503, "no answer within 0.05 seconds")


async def test_a_pausing_loop_takes_readiness_but_not_life() -> None:
    loops = {"relay": LoopState("pausing", 1, "Unavailable('down')")}
    assert (await _get("/readyz", [], loops)).json()["checks"] == {"loop relay": "pausing: Unavailable('down')"}
    assert (await _get("/livez", [], loops)).status_code == 200
