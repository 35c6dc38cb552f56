"""Golden messages: written by hand, checked in, and never to be changed. Whoever once sent one may send it again."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from contracts.events import generate
from contracts.events.base import schema_url
from contracts.events.catalog import BY_TYPE, MESSAGES
from libs.messaging.envelope import decode, from_json, wrap

EXAMPLES = sorted((generate.HERE / "examples").glob("*.json"))
_EXAMPLE = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)


def _validator(schema: Any) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=FormatChecker())


def test_every_type_has_a_golden_message_and_orders_have_two() -> None:
    types = [from_json(path.read_bytes()).type for path in EXAMPLES]
    assert set(types) == {model.type for model in MESSAGES}
    for name in types:
        if name.startswith("order."):
            assert {f"{name}.minimal", f"{name}.full"} <= {path.stem for path in EXAMPLES}


@_EXAMPLE
def test_a_golden_message_is_read_without_loss(path: Path) -> None:
    wire = json.loads(path.read_bytes())
    envelope = from_json(path.read_bytes())
    message = decode(envelope)
    assert isinstance(message, BY_TYPE[wire["type"]])
    assert path.stem.startswith(wire["type"])
    assert envelope.subject == message.subject
    for name, value in wire["data"].items():
        assert _same(json.loads(message.model_dump_json())[name], value), name


@_EXAMPLE
def test_a_golden_message_fits_its_published_schemas(path: Path) -> None:
    wire = json.loads(path.read_bytes())
    _validator(generate.CLOUD_EVENT).validate(wire)
    _validator(json.loads((generate.HERE / "schemas" / f"{wire['type']}.json").read_text())).validate(wire["data"])
    assert wire.get("dataschema", schema_url(wire["type"])) == schema_url(wire["type"])


@_EXAMPLE
def test_what_we_write_fits_the_published_schemas_too(path: Path) -> None:
    read = from_json(path.read_bytes())
    written = json.loads(wrap(decode(read), id=read.id, source=read.source, time=read.time).to_json())
    _validator(generate.CLOUD_EVENT).validate(written)
    _validator(json.loads((generate.HERE / "schemas" / f"{read.type}.json").read_text())).validate(written["data"])


@pytest.mark.parametrize("model", MESSAGES, ids=lambda model: model.type)
def test_nothing_secret_or_personal_has_a_place_in_a_message(model: Any) -> None:
    names = json.dumps(model.model_json_schema()).lower()
    for word in ("client_secret", "email", "phone", "iban", "address", "birth", "password"):
        assert word not in names


def _same(ours: Any, theirs: Any) -> bool:
    """Ours may know optional fields that the message left out, and write a time in another way."""
    match ours, theirs:
        case dict(), dict():
            return all(_same(ours[name], value) for name, value in theirs.items())
        case list(), list():
            return len(ours) == len(theirs) and all(map(_same, ours, theirs))
        case str(), str() if ours != theirs:
            return _instant(ours) == _instant(theirs)
        case _:
            return bool(ours == theirs) and type(ours) is type(theirs)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
