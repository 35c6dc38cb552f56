"""RabbitMQ from the local install, as a private node: own ports, own data, own name, cookie and epmd. Any user may."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from libs.devstack.errors import MissingServer
from libs.devstack.machine import Machine
from libs.devstack.ports import free_port
from libs.devstack.process import GuardedProcess

# Debian's /usr/sbin/rabbitmq-server is a wrapper that asks for root and serves the system's one node. The scripts
# behind it do not mind who runs them; elsewhere (Homebrew, a tarball) the one on the PATH is the real one.
_REAL_SERVERS: Final = (Path("/usr/lib/rabbitmq/bin/rabbitmq-server"),)

_CONFIGURATION: Final = """\
listeners.tcp.1 = 127.0.0.1:{port}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management_port}
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 50MB
log.file.level = warning
log.console = false
"""

# epmd shares the server's process group, so the guard ends both.
_LAUNCH: Final = 'epmd & exec "$0"'


@asynccontextmanager
async def local_node(port: int, management_port: int) -> AsyncIterator[Machine]:
    """A node, not started yet, on a folder that goes with it."""
    server = find_server()
    home = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="holdfast-rabbitmq-"))
    try:
        (home / "rabbitmq.conf").write_text(_CONFIGURATION.format(port=port, management_port=management_port))
        (home / "enabled_plugins").write_text("[rabbitmq_management].\n")
        yield GuardedProcess(
            ["/bin/sh", "-c", _LAUNCH, str(server)], home, environment=_environment(home, port), remove=home
        )
    finally:
        await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)


def find_server() -> Path:
    """The script that starts a node for whoever calls it. Raises `MissingServer`, which says what to install."""
    for candidate in _REAL_SERVERS:
        if candidate.exists():
            return candidate.resolve()
    found = shutil.which("rabbitmq-server")
    if found is None:
        raise MissingServer(
            "RabbitMQ is missing: run `apt-get install rabbitmq-server` or `brew install rabbitmq`, or start Docker."
        )
    return Path(found).resolve()


def _environment(home: Path, port: int) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
    # /usr/sbin: some users' PATH lacks it, and erl, epmd and the scripts' helpers must be found.
    path = os.pathsep.join([inherited.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/usr/bin", "/bin"])
    return inherited | {
        "PATH": path,
        "HOME": str(home),  # where Erlang keeps its cookie
        "RABBITMQ_NODENAME": f"holdfast-{os.getpid()}-{port}@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
        "ERL_EPMD_PORT": str(free_port()),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
