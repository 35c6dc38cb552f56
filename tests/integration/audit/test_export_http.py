"""Exports over HTTP are the files that the command writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from libs.eventstore.ledger import Ledger
from libs.runtime.problems import install_problems
from services.audit.export.extent import extent
from services.audit.export.files import CONTENTS, Format
from services.audit.export.folder import export
from services.audit.http import export as routes
from tests.conftest import Databases
from tests.integration.audit.export_book import marketplace


@pytest.fixture(scope="module")
async def shop(databases: Databases) -> AsyncIterator[Ledger]:
    async with marketplace(databases) as ledger:
        yield ledger


@pytest.fixture(scope="module")
async def client(shop: Ledger) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_problems(app)
    app.include_router(routes.router(shop), prefix="/audit")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://audit") as opened:
        yield opened


async def test_every_file_is_the_one_that_the_command_writes(
    shop: Ledger, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    await export(shop, tmp_path, await extent(shop, 4, 19), list(Format))
    for name in CONTENTS:
        answer = await client.get(f"/audit/export/{name}", params={"from": 4, "to": 19})
        assert answer.status_code == 200
        assert answer.content == (tmp_path / name).read_bytes()
        assert answer.headers["content-disposition"] == f'attachment; filename="book-1-4-19-{name}"'
    assert (await client.get("/audit/export/blocks.csv")).headers["content-type"].startswith("text/csv")


async def test_what_cannot_be_exported_is_refused_before_anything_is_sent(client: httpx.AsyncClient) -> None:
    ahead = await client.get("/audit/export/events.csv", params={"to": 23})
    assert (ahead.status_code, ahead.json()["code"]) == (422, "position_ahead")
    nonsense = await client.get("/audit/export/events.csv", params={"from": "yesterday"})
    assert (nonsense.status_code, nonsense.json()["code"]) == (422, "bad_time")
    assert (await client.get("/audit/export/secrets.csv")).status_code == 422
