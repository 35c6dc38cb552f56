from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.world import World, distributed_world, embedded_world


@pytest.fixture(params=["embedded", "distributed"])
async def world(
    request: pytest.FixtureRequest, database_url: str, amqp_url: str, tmp_path: Path
) -> AsyncIterator[World]:
    """The same Holdfast on both composition roots."""
    if request.param == "embedded":
        async with embedded_world(database_url) as made:
            yield made
    else:
        async with distributed_world(database_url, amqp_url, tmp_path) as made:
            yield made
