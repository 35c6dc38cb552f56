"""A RabbitMQ broker for a developer or a test: by URL, else a container, else a private node of the local install."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from libs.devstack.container import Container, docker_answers
from libs.devstack.machine import Elsewhere, Machine, until_it_answers
from libs.devstack.ports import free_port
from libs.devstack.rabbitmq_node import local_node

_START_SECONDS = 120.0
_STOP_SECONDS = 60.0
_HTTP_SECONDS = 30.0
_AMQP_HEADER = b"AMQP\x00\x00\x09\x01"


@dataclass
class RabbitMQ:
    """A running broker. `url` is its AMQP address (virtual host `/`), `management_url` its management plugin's."""

    url: str
    management_url: str
    machine: Machine

    async def create_vhost(self, name: str) -> str:
        """A new virtual host with all rights for our user; returns its AMQP URL. Takes some 20 ms."""
        await self.manage("PUT", f"/api/vhosts/{quote(name, safe='')}")
        return urlunsplit(urlsplit(self.url)._replace(path="/" + quote(name, safe="")))

    async def delete_vhost(self, name: str) -> None:
        await self.manage("DELETE", f"/api/vhosts/{quote(name, safe='')}")

    async def manage(self, method: str, path: str, body: object = None) -> object:
        """One call of the management HTTP API; returns its JSON, or None when the answer is empty."""
        return await asyncio.to_thread(self._manage, method, path, body)

    async def start(self) -> None:
        """Start a stopped or killed broker again, on the same ports and data; returns when it takes connections."""
        await self.machine.start()
        await until_it_answers("RabbitMQ", self.machine, self._answers, _START_SECONDS)

    async def stop(self) -> None:
        await self.machine.signal(signal.SIGTERM)
        await self.machine.stopped(_STOP_SECONDS)

    async def kill(self) -> None:
        """End it as `kill -9` does. A quorum queue made less than about five seconds before may come back broken:
        RabbitMQ 3.10 writes its list of them with a delay.
        """
        await self.machine.signal(signal.SIGKILL)
        await self.machine.stopped(_STOP_SECONDS)

    def _manage(self, method: str, path: str, body: object) -> object:
        address = urlsplit(self.management_url)
        request = Request(  # noqa: S310 - http, and our own broker
            urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2], path=path)),
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json", "authorization": _basic(address.username, address.password)},
        )
        with urlopen(request, timeout=_HTTP_SECONDS) as answer:  # noqa: S310 - as above
            content = answer.read()
        return json.loads(content) if content else None

    async def _answers(self) -> None:
        # Its greeting is enough: the AMQP listener is the last thing that a node opens.
        address = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            writer.write(_AMQP_HEADER)
            await reader.readexactly(1)
        finally:
            writer.close()


@asynccontextmanager
async def running_rabbitmq(*, url: str | None = None, management_url: str | None = None) -> AsyncIterator[RabbitMQ]:
    """A broker for the length of the block; `url` (with `management_url`) names one that runs already.

    Raises `MissingServer` where there is no way to run one.
    """
    if url is not None:
        yield attach(url, management_url)
        return
    port, management_port = free_port(), free_port()
    runner = _container if docker_answers() else local_node
    async with runner(port, management_port) as machine:
        broker = RabbitMQ(
            f"amqp://guest:guest@127.0.0.1:{port}/", f"http://guest:guest@127.0.0.1:{management_port}", machine
        )
        await broker.start()
        try:
            yield broker
        finally:
            await broker.kill()


def attach(url: str, management_url: str | None = None) -> RabbitMQ:
    """The broker behind a URL. It cannot be stopped from here. Its management plugin is looked for on port 15672."""
    given = urlsplit(url)
    default = f"http://{given.username or 'guest'}:{given.password or 'guest'}@{given.hostname}:15672"
    return RabbitMQ(url, management_url or default, Elsewhere())


@asynccontextmanager
async def _container(port: int, management_port: int) -> AsyncIterator[Machine]:
    # guest may only come from localhost, which the host is not for a container; users named by the environment may.
    environment = {"RABBITMQ_DEFAULT_USER": "guest", "RABBITMQ_DEFAULT_PASS": "guest"}
    container = Container("rabbitmq:4-management", ports={5672: port, 15672: management_port}, environment=environment)
    try:
        yield container
    finally:
        await container.remove()


def _basic(user: str | None, password: str | None) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
