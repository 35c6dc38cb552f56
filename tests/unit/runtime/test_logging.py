from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from libs.runtime.logging import configure_logging
from libs.runtime.redaction import redact


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("INFO", stream=stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_is_json_with_the_bound_ids(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(correlation_id="c-1", message_id="1-7"):
        structlog.get_logger("payment").info("captured", amount_minor=100)
    line = json.loads(lines.getvalue())
    assert line | {"timestamp": ""} == {
        "event": "captured",
        "amount_minor": 100,
        "correlation_id": "c-1",
        "message_id": "1-7",
        "level": "info",
        "logger": "payment",
        "timestamp": "",
    }


def test_a_library_that_logs_the_standard_way_goes_the_same_way(lines: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("to %s", "amqp://guest:hidden@broker/")
    assert json.loads(lines.getvalue())["event"] == "to amqp://guest:[redacted]@broker/"


def test_a_traceback_is_one_line_and_without_secrets(lines: io.StringIO) -> None:
    try:
        int("postgresql://u:hidden@db/holdfast")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    [line] = lines.getvalue().splitlines()
    assert "ValueError" in json.loads(line)["exception"]
    assert "hidden" not in line


@pytest.mark.parametrize(
    "secret",
    [
        "pi_3Abc_secret_hidden",
        "sk_test_hidden",
        "rk_live_hidden",
        "whsec_hidden",
        "Bearer hidden",
        "amqp://user:hidden@host:5672/",
        {"client_secret": "hidden"},
        {"headers": {"Stripe-Signature": "t=1,v1=hidden"}},
        ["sk_live_hidden"],
    ],
)
def test_whatever_looks_like_a_secret_is_redacted_anywhere(secret: object) -> None:
    assert "hidden" not in str(redact({"deep": [secret]}))


@pytest.mark.parametrize(
    "harmless", ["pi_3Abc", "acct_1", "postgresql://db/holdfast", "the task was risky", {"key": "k"}]
)
def test_what_is_no_secret_stays_readable(harmless: object) -> None:
    assert redact(harmless) == harmless
