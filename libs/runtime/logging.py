"""Logs: JSON lines for machines, coloured lines for a person at a terminal. Libraries' logs go the same way."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import Processor

from libs.runtime.redaction import redact

# What the services' own lines already say better: every request at INFO, and a traceback for every lost connection.
_LEAST: Final = {
    "aio_pika": logging.WARNING,
    "aiormq": logging.CRITICAL,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "stripe": logging.WARNING,
    "uvicorn.access": logging.WARNING,
}


def configure_logging(level: str, *, stream: TextIO | None = None) -> None:
    """Send all logs of this process to `stream` (standard error unless given). The first thing a command does.

    What is bound with `structlog.contextvars` (message, correlation and order ids) stands on every line.
    """
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Exceptions become text first: a traceback quotes values too.
                structlog.processors.format_exc_info,
                _redact_event,
                structlog.dev.ConsoleRenderer() if stream.isatty() else structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _LEAST.items():
        logging.getLogger(name).setLevel(max(least, root.level))


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: redact(value, key) for key, value in event.items()}
