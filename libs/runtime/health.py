"""Is this process alive, and can it do its work now? For Kubernetes' probes and for people."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from libs.runtime.loops import LoopState
from libs.runtime.redaction import redact

PING_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Ping:
    """Something that a process cannot work without. `call` returns when it answers and raises when it does not."""

    name: str
    call: Callable[[], Awaitable[None]]


def health_router(pings: Sequence[Ping], loops: Mapping[str, LoopState]) -> APIRouter:
    """`/livez`: the event loop turns. `/readyz`: every ping answers within two seconds and every loop runs.

    A failing loop is no reason for a restart, it restarts itself; so `/livez` does not look at loops.
    """
    router = APIRouter(tags=["health"])

    @router.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz", responses={503: {"description": "Something that is needed does not answer."}})
    async def readyz() -> JSONResponse:
        answers = await asyncio.gather(*(_answer(ping) for ping in pings))
        found = {ping.name: answer for ping, answer in zip(pings, answers, strict=True)}
        found |= {f"loop {name}": _condition(state) for name, state in loops.items()}
        ready = all(condition == "ok" for condition in found.values())
        status = "ready" if ready else "not ready"
        return JSONResponse({"status": status, "checks": found}, status_code=200 if ready else 503)

    return router


async def _answer(ping: Ping) -> str:
    try:
        async with asyncio.timeout(PING_SECONDS):
            await ping.call()
    except TimeoutError:
        return f"no answer within {PING_SECONDS:g} seconds"
    except Exception as error:  # noqa: BLE001 - a probe reports, it does not fail
        return str(redact(f"{type(error).__name__}: {error}"))
    return "ok"


def _condition(state: LoopState) -> str:
    return "ok" if state.phase == "running" else str(redact(f"{state.phase}: {state.last_error}"))
