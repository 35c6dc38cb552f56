"""Free TCP ports for servers that will be stopped and started again on the same port."""

from __future__ import annotations

import random
import socket

from libs.devstack.errors import ServerFailed

# Below the ephemeral range of Linux (32768) and macOS (49152). A port from inside that range can be taken by any
# outgoing connection while its server is stopped, even by a client that dials that very port and so connects to itself.
_LOWEST, _HIGHEST = 15_000, 31_999
_ATTEMPTS = 200


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on now. Drawn at random, so that parallel runs seldom meet."""
    for _ in range(_ATTEMPTS):
        port = random.SystemRandom().randint(_LOWEST, _HIGHEST)
        with socket.socket() as probe:
            # As servers do: a port whose last connections still linger in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServerFailed(
        f"No free port between {_LOWEST} and {_HIGHEST} on 127.0.0.1; end some servers first.", code="no_free_port"
    )
