"""The example as a process of its own: `python -m tests.integration.runtime.serve_example DATABASE_URL PORT`."""

from __future__ import annotations

import asyncio
import sys

from prometheus_client import CollectorRegistry

from libs.messaging.local import LocalCarrier
from libs.runtime.lifecycle import serve
from libs.runtime.logging import configure_logging
from libs.runtime.telemetry import Telemetry
from tests.integration.runtime.example import BINDINGS, example


async def main(url: str, port: int) -> None:
    configure_logging("INFO", stream=sys.stdout)
    async with example(url, []) as service:
        carrier = LocalCarrier(service.ledger.pool, 1, bindings=BINDINGS)
        await serve([service], carrier, Telemetry(CollectorRegistry()), host="127.0.0.1", port=port)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
