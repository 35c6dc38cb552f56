"""Write what the catalogue says in the languages of others: `python -m contracts.events.generate [--check]`.

`schemas/{type}.json` is the JSON Schema of each message's data, `asyncapi.yaml` describes all channels (AsyncAPI 3).
Both are checked in. With `--check` nothing is written, and drift ends with exit code 1.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from contracts.events.base import Message, schema_url
from contracts.events.catalog import MESSAGES, ORDERS, exchange_of

HERE: Final = Path(__file__).parent
COMMAND: Final = "python -m contracts.events.generate"

_TEXT: Final = {"type": "string", "minLength": 1}
_NAME: Final = _TEXT | {"maxLength": 200}
_POSITIVE: Final = {"type": "integer", "minimum": 1}

CLOUD_EVENT: Final[Mapping[str, Any]] = {
    "title": "CloudEvents 1.0, structured JSON",
    "type": "object",
    "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "datacontenttype": {"const": "application/json"},
        "id": _NAME | {"description": "Unique for its source; a repetition carries the same id."},
        "source": _TEXT | {"description": "Who tells it, such as /holdfast/payment."},
        "type": _NAME | {"description": "Also the routing key."},
        "subject": _TEXT | {"description": "The order where there is one, else the aggregate."},
        "time": {"type": "string", "format": "date-time", "description": "When it happened for the business."},
        "dataschema": {"type": "string", "format": "uri"},
        "correlationid": {"type": "string", "description": "What all messages of one course of events share."},
        "causationid": {"type": "string", "description": "The message or request that led to this one."},
        "book": _POSITIVE | {"description": "The ledger's book in which the event stands."},
        "position": _POSITIVE | {"description": "Where it stands there, dense and in order."},
        "traceparent": {"type": "string", "description": "W3C trace context."},
        "data": {"type": "object"},
    },
}


def files() -> dict[str, str]:
    """Every generated file, by its path in this folder."""
    schemas = {f"schemas/{model.type}.json": _json(schema(model)) for model in MESSAGES}
    return schemas | {"asyncapi.yaml": _HEADER + yaml.safe_dump(asyncapi(), sort_keys=False, width=120)}


def drift(folder: Path) -> list[str]:
    """What in `folder` is not as the catalogue says, one sentence each."""
    wanted = files()
    left_over = {f"schemas/{path.name}" for path in (folder / "schemas").glob("*")} - wanted.keys()
    return [f"{name} belongs to no message in the catalogue." for name in sorted(left_over)] + [
        f"{name} is not what the catalogue says."
        for name, text in wanted.items()
        if not (folder / name).is_file() or (folder / name).read_text() != text
    ]


def schema(model: type[Message]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a message's data. Fields that it does not name are allowed, and ignored."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": schema_url(model.type),
        **model.model_json_schema(mode="validation"),
    }


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3 document: a channel for each type, on the exchange on which it travels."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Holdfast",
            "version": "1.0.0",
            "description": "Shops publish `order.*` and consume what Holdfast announces. Every message comes at least "
            "once; the order of two is not promised. A version of a type never changes.",
        },
        "defaultContentType": "application/cloudevents+json",
        # Where the broker stands, and who may log in, is each installation's own.
        "servers": {
            "rabbitmq": {
                "host": "{host}:{port}",
                "protocol": "amqp",
                "protocolVersion": "0.9.1",
                "variables": {"host": {"default": "localhost"}, "port": {"default": "5672"}},
            }
        },
        "channels": {model.type: _channel(model) for model in MESSAGES},
        "operations": {_operation_name(model): _operation(model) for model in MESSAGES},
        "components": {
            "messages": {model.type: _message(model) for model in MESSAGES},
            "schemas": {"CloudEvent": dict(CLOUD_EVENT)},
        },
    }


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        found = drift(HERE)
        for sentence in found:
            sys.stderr.write(f"{sentence}\n")
        if found:
            sys.stderr.write(f"Run `{COMMAND}` and check the result in.\n")
        return 1 if found else 0
    if arguments:
        sys.stderr.write(f"usage: {COMMAND} [--check]\n")
        return 2
    write(HERE)
    return 0


def write(folder: Path) -> None:
    """Make the generated files in `folder` what the catalogue says."""
    (folder / "schemas").mkdir(exist_ok=True)
    for path in (folder / "schemas").glob("*"):
        path.unlink()
    for name, text in files().items():
        (folder / name).write_text(text)


_HEADER: Final = f"# Generated by `{COMMAND}`; do not edit.\n"


def _channel(model: type[Message]) -> dict[str, Any]:
    exchange = {"name": exchange_of(model), "type": "topic", "durable": True, "autoDelete": False, "vhost": "/"}
    return {
        "address": model.type,
        "messages": {model.type: {"$ref": f"#/components/messages/{model.type}"}},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}},
    }


def _operation_name(model: type[Message]) -> str:
    return f"{_action(model)}.{model.type}"


def _action(model: type[Message]) -> str:
    return "receive" if exchange_of(model) == ORDERS else "send"


def _operation(model: type[Message]) -> dict[str, Any]:
    channel = f"#/channels/{model.type}"
    return {
        "action": _action(model),
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{model.type}"}],
        "bindings": {"amqp": {"deliveryMode": 2, "mandatory": True, "ack": True, "bindingVersion": "0.3.0"}},
    }


def _message(model: type[Message]) -> dict[str, Any]:
    return {
        "name": model.type,
        "title": model.__name__,
        "summary": (model.__doc__ or "").strip().partition("\n")[0],
        "contentType": "application/cloudevents+json",
        "correlationId": {"location": "$message.payload#/correlationid"},
        "bindings": {"amqp": {"messageType": model.type, "bindingVersion": "0.3.0"}},
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEvent"},
                {"properties": {"type": {"const": model.type}, "data": {"$ref": f"./schemas/{model.type}.json"}}},
            ]
        },
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
