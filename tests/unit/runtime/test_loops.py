from __future__ import annotations

import asyncio

import pytest

from libs.ledger.errors import Unavailable
from libs.runtime.loops import Loop, Supervisor


async def _until(condition: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await condition.wait()


async def test_a_failing_loop_is_started_again_and_counted() -> None:
    recovered = asyncio.Event()
    failures: list[str] = []

    async def run() -> None:
        if len(failures) < 2:
            raise Unavailable("The database does not answer.")
        recovered.set()
        await asyncio.Event().wait()

    supervisor = Supervisor([Loop("relay", run)], on_failure=failures.append)
    supervisor.start()
    await _until(recovered)
    state = supervisor.states["relay"]
    assert (state.phase, state.failures, failures) == ("running", 2, ["relay", "relay"])
    await supervisor.stop()
    assert state.phase == "stopped"


async def test_a_pausing_loop_shows_why_and_leaves_the_others_alone() -> None:
    failed = asyncio.Event()

    async def broken() -> None:
        raise ValueError("a defect")

    async def sound() -> None:
        await asyncio.Event().wait()

    supervisor = Supervisor([Loop("broken", broken), Loop("sound", sound)], on_failure=lambda _: failed.set())
    supervisor.start()
    await _until(failed)
    assert supervisor.states["broken"].phase == "pausing"
    assert "a defect" in str(supervisor.states["broken"].last_error)
    assert supervisor.states["sound"].phase == "running"
    await supervisor.stop()


async def test_a_loop_that_returns_has_failed() -> None:
    failed = asyncio.Event()

    async def over() -> None:
        return

    supervisor = Supervisor([Loop("over", over)], on_failure=lambda _: failed.set())
    supervisor.start()
    await _until(failed)
    assert "must not" in str(supervisor.states["over"].last_error)
    await supervisor.stop()


async def test_stopping_lets_a_loop_finish_what_it_began() -> None:
    begun, finished = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            finished.set()

    supervisor = Supervisor([Loop("worker", run)])
    supervisor.start()
    await _until(begun)
    await supervisor.stop()
    assert finished.is_set()


async def test_two_loops_of_one_name_are_refused() -> None:
    async def run() -> None: ...

    with pytest.raises(ValueError, match="share a name"):
        Supervisor([Loop("same", run), Loop("same", run)])
