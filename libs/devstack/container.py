"""A server as a container, where a Docker engine answers."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from libs.devstack.errors import ServerFailed

_POLL_SECONDS = 0.1


def docker_answers() -> bool:
    """True when a Docker engine answers a ping. The client library is imported only where a socket is there to try."""
    if "DOCKER_HOST" not in os.environ and not Path("/var/run/docker.sock").exists():
        return False
    import docker  # type: ignore[import-untyped]  # noqa: PLC0415 - untyped, and slow to import for nothing

    try:
        return bool(docker.from_env(timeout=5).ping())
    except docker.errors.DockerException:
        return False


class Container:
    """A `Machine` made by testcontainers, whose reaper removes it even if we are killed.

    Ports are fixed on the host, as a container that is stopped and started again would get others.
    """

    def __init__(self, image: str, *, ports: dict[int, int], environment: dict[str, str], command: str = "") -> None:
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - as above

        self._container = DockerContainer(image).with_command(command) if command else DockerContainer(image)
        for inside, outside in ports.items():
            self._container.with_bind_ports(inside, outside)
        for name, value in environment.items():
            self._container.with_env(name, value)
        self._created = False

    async def start(self) -> None:
        if self._created:
            await asyncio.to_thread(self._container.get_wrapped_container().start)
        else:
            await asyncio.to_thread(self._container.start)
            self._created = True

    async def signal(self, number: int) -> None:
        if self.running():
            await asyncio.to_thread(self._container.get_wrapped_container().kill, signal=int(number))

    async def stopped(self, within_seconds: float) -> None:
        give_up_at = time.monotonic() + within_seconds
        while await asyncio.to_thread(self.running):
            if time.monotonic() > give_up_at:
                raise ServerFailed(f"The container did not end within {within_seconds:g} seconds:\n{self.last_words()}")
            await asyncio.sleep(_POLL_SECONDS)

    def running(self) -> bool:
        if not self._created:
            return False
        wrapped = self._container.get_wrapped_container()
        wrapped.reload()
        return bool(wrapped.status == "running")

    def last_words(self) -> str:
        return str(self._container.get_wrapped_container().logs(tail=15).decode(errors="replace"))

    async def remove(self) -> None:
        if self._created:
            await asyncio.to_thread(self._container.stop)
