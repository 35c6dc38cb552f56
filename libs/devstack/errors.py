"""What can go wrong while starting a developer's servers."""

from __future__ import annotations

from libs.ledger.errors import HoldfastError


class MissingServer(HoldfastError):
    """No way of running this server was found on the machine; the text says what to install."""

    code = "missing_server"


class ServerFailed(HoldfastError):
    """A server was started and did not come up, or did not go down; the text ends with its last log lines."""

    code = "server_failed"


class NotOurServer(HoldfastError):
    """The server was given by its address, so it is not ours to start, stop or kill."""

    code = "not_our_server"
