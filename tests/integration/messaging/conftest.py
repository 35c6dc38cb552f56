from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from libs.devstack.rabbitmq import RabbitMQ
from tests.conftest import Databases
from tests.integration.messaging.world import LocalWorld, RabbitWorld, World, local_world


@pytest.fixture
async def rabbit_world(rabbitmq_server: RabbitMQ) -> AsyncIterator[RabbitWorld]:
    vhost = f"messaging-{uuid4()}"
    world = RabbitWorld(rabbitmq_server, await rabbitmq_server.create_vhost(vhost))
    yield world
    await world.close()
    await rabbitmq_server.delete_vhost(vhost)


@pytest.fixture
async def local(databases: Databases) -> AsyncIterator[LocalWorld]:
    url = await databases.create()
    async with local_world(url) as world:
        yield world
    await databases.drop(url)


@pytest.fixture(params=["rabbitmq", "local"])
async def world(request: pytest.FixtureRequest, rabbit_world: RabbitWorld, local: LocalWorld) -> World:
    """Both carriers: what holds for one must hold for the other."""
    worlds: dict[str, World] = {"rabbitmq": rabbit_world, "local": local}
    return worlds[request.param]
