from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry

from libs.runtime.http import create_app
from libs.runtime.telemetry import Telemetry
from tests.integration.escrow.world import World, open_world


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url) as opened:
        yield opened


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    assert world.service.router is not None
    app = create_app("test", [world.service.router], Telemetry(CollectorRegistry()), lambda: "correlation")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://escrow") as opened:
        yield opened
