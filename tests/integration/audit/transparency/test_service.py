"""The log in the audit service: jobs that sign, routes that show, and keys that stay out of sight."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI

from libs.eventstore.ledger import Ledger
from libs.eventstore.projector import Projector
from libs.ledger.errors import HoldfastError
from libs.runtime.config import Config, Misconfigured
from libs.runtime.logging import configure_logging
from libs.runtime.problems import install_problems
from libs.runtime.service import Service
from libs.settings.live import LiveSettings
from libs.transparency.check import check
from libs.transparency.checkpoint import opened
from libs.transparency.note import Note
from services.audit.service import build
from services.audit.transparency import heads as heads_module
from services.audit.transparency.heads import Heads
from services.audit.transparency.signing_keys import signing_keys
from services.embedded.assembly import run_job
from tests.integration.audit.forgery import forge
from tests.integration.audit.transparency.book import KEY, NEXT_KEY, Book, Clock, rewrite_tail
from tests.integration.eventstore.units import NOON, unit

SIGNING = Config.model_validate({"audit_signing_key": f"{KEY.text},{NEXT_KEY.text}"})


@asynccontextmanager
async def service(ledger: Ledger, config: Config, clock: Clock) -> AsyncIterator[Service]:
    async with build(ledger, config, LiveSettings(ledger.store), clock) as built:
        yield built


async def job(built: Service, name: str) -> dict[str, Any]:
    told: list[str] = []
    [summary] = await run_job([built], name, NOON, told.append)
    return dict(summary)


async def test_the_job_signs_what_is_in_the_log_now(book: Book, ledger: Ledger, clock: Clock) -> None:
    await book.owner.store.append([unit() for _ in range(4)])  # and not yet in the tree
    async with service(ledger, SIGNING, clock) as built:
        first, second = await job(built, "sign-head"), await job(built, "sign-head")
    assert (first["left"], first["signed"], second["signed"]) == (0, True, False)
    assert first["head"] == second["head"]
    head, signers = opened(Note.parse(first["head"]), [KEY.verifier, NEXT_KEY.verifier])
    assert (head.size, list(signers)) == (4, [KEY.verifier, NEXT_KEY.verifier])


async def test_a_clean_verification_ends_with_a_signed_head(book: Book, ledger: Ledger, clock: Clock) -> None:
    await book.grow(4)
    async with service(ledger, SIGNING, clock) as built:
        assert (await job(built, "verify"))["signed"] is True
        await book.grow(1)
        await forge(book.owner, "update ledger.events set actor = 'forger' where position = 2")
        found = await job(built, "verify")
    assert found["left"] == 1
    assert "signed" not in found
    assert [head.size for head in await Heads(ledger).after(0, 9)] == [4]


async def test_the_job_fails_at_a_fork_and_says_so_in_the_log(
    book: Book, ledger: Ledger, clock: Clock, grower: Projector, log_lines: io.StringIO
) -> None:
    await book.grow(8)
    async with service(ledger, SIGNING, clock) as built:
        await job(built, "sign-head")
        await rewrite_tail(book.owner, grower)
        with pytest.raises(HoldfastError) as caught:
            await job(built, "sign-head")
    assert caught.value.code == "forked"
    lines = [json.loads(line) for line in log_lines.getvalue().splitlines()]
    assert [line["event"] for line in lines if line["level"] == "error"] == ["refused to sign a fork"]


async def test_without_a_key_nothing_is_signed_and_the_log_says_so_once(
    book: Book, ledger: Ledger, clock: Clock, log_lines: io.StringIO
) -> None:
    await book.grow(1)
    async with service(ledger, Config(), clock) as built:
        assert "heads" not in {loop.name for loop in built.loops}
        assert "signed" not in await job(built, "verify")
        with pytest.raises(Misconfigured, match="HOLDFAST_AUDIT_SIGNING_KEY_FILE"):
            await job(built, "sign-head")
    said = [json.loads(line)["event"] for line in log_lines.getvalue().splitlines()]
    assert said.count("heads are not signed: no key is set") == 1


async def test_the_loop_signs_one_head_a_minute(
    book: Book, ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads_module, "LOOK_EVERY_SECONDS", 0.01)
    async with service(ledger, SIGNING, clock) as built:
        [loop] = [each for each in built.loops if each.name == "heads"]
        running = asyncio.ensure_future(loop.run())
        try:
            for size in (2, 4):
                await book.grow(1, 1)
                clock.now += timedelta(minutes=1)
                async with asyncio.timeout(10):
                    while (newest := await Heads(ledger).newest()) is None or newest.size < size:  # noqa: ASYNC110 - a row, not a task
                        await asyncio.sleep(0.01)
        finally:
            running.cancel()
    assert len(await Heads(ledger).after(0, 9)) <= 3


@pytest.fixture
def log_lines() -> Any:
    """What is logged in the test, as JSON lines."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    stream = io.StringIO()
    configure_logging("INFO", stream=stream)
    yield stream
    logger.handlers[:] = handlers
    logger.setLevel(level)
    structlog.reset_defaults()


async def test_no_log_line_shows_a_key(book: Book, ledger: Ledger, clock: Clock, log_lines: io.StringIO) -> None:
    secret = KEY.text.rpartition("+")[2]
    await book.grow(1)
    async with service(ledger, SIGNING, clock) as built:
        await job(built, "sign-head")
    log = structlog.get_logger("anybody")
    careless = f"careless: {KEY.text}"
    log.info(careless, audit_signing_key=secret, config=repr(SIGNING), keys=[KEY.text])
    try:
        signing_keys(Config.model_validate({"audit_signing_key": KEY.text[:-2]}))
    except Misconfigured:
        log.exception("a key that is cut short")
    assert len(log_lines.getvalue().splitlines()) >= 3
    assert secret[:20] not in log_lines.getvalue()


@asynccontextmanager
async def client(built: Service) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_problems(app)
    assert built.router
    app.include_router(built.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://audit") as opened_client:
        yield opened_client


async def test_heads_proofs_and_keys_are_served_to_the_world(book: Book, ledger: Ledger, clock: Clock) -> None:
    async with service(ledger, SIGNING, clock) as built, client(built) as http:
        nothing = await http.get("/audit/heads/latest")
        assert (nothing.status_code, nothing.json()["code"]) == (404, "no_head")
        for more in (3, 300):
            await book.grow(more)
            await job(built, "sign-head")
        heads = (await http.get("/audit/heads")).json()
        assert [head["size"] for head in heads] == [3, 303]
        assert [head["size"] for head in (await http.get("/audit/heads?after=3&limit=1")).json()] == [303]
        latest = await http.get("/audit/heads/latest")
        assert latest.headers["content-type"] == "text/plain; charset=utf-8"
        assert latest.text == heads[1]["checkpoint"]
        assert (await http.get("/audit/keys")).json() == {"keys": [KEY.verifier.text, NEXT_KEY.verifier.text]}
        files = {
            path: (await http.get(f"/audit/proofs/{path}")).text
            for path in ("inclusion?position=2", "inclusion?position=2&size=3", "consistency?from=3&to=303")
        }
        assert len(check(files, [KEY.verifier], latest.text)) == 3


async def test_what_cannot_be_proven_is_a_problem_with_a_code(book: Book, ledger: Ledger, clock: Clock) -> None:
    expected = {
        "inclusion?position=9": (404, "unknown_position"),
        "inclusion?position=0": (422, "invalid_request"),
        "inclusion?position=2&size=1": (422, "position_ahead"),
        "consistency?from=1&to=2": (404, "no_head"),
        "consistency?from=1": (422, "invalid_request"),
    }
    async with service(ledger, SIGNING, clock) as built, client(built) as http:
        await book.grow(1)
        await job(built, "sign-head")
        await book.grow(1)
        answers = {path: await http.get(f"/audit/proofs/{path}") for path in expected}
    assert {path: (answer.status_code, answer.json()["code"]) for path, answer in answers.items()} == expected
