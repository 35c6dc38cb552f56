"""The generated descriptions are what the catalogue says, and a change that was not generated is found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from contracts.events import generate
from contracts.events.catalog import MESSAGES, exchange_of

ROOT = Path(__file__).parents[2]


def _check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "contracts.events.generate", "--check"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the contracts, to be spoilt."""
    shutil.copytree(ROOT / "contracts", tmp_path / "contracts", ignore=shutil.ignore_patterns("__pycache__", "evm"))
    return tmp_path


def _spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_what_is_checked_in_is_what_the_catalogue_says() -> None:
    assert generate.drift(generate.HERE) == []
    assert _check(ROOT).returncode == 0


def test_a_changed_model_without_its_schema_fails_the_check(copy: Path) -> None:
    _spoil(copy / "contracts/events/orders.py", "cancelled_by: str", "cancelled_by: int")
    checked = _check(copy)
    assert checked.returncode == 1
    assert "schemas/order.cancelled.v1.json is not what the catalogue says." in checked.stderr
    assert generate.COMMAND in checked.stderr


@pytest.mark.parametrize("name", ["schemas/order.placed.v1.json", "asyncapi.yaml"])
def test_a_file_changed_by_hand_or_missing_fails_the_check(copy: Path, name: str) -> None:
    path = copy / "contracts/events" / name
    path.write_text(path.read_text() + " ")
    assert name in _check(copy).stderr
    path.unlink()
    assert _check(copy).returncode == 1


def test_a_schema_that_was_left_behind_fails_the_check(copy: Path) -> None:
    (copy / "contracts/events/schemas/order.lost.v1.json").write_text("{}")
    checked = _check(copy)
    assert checked.returncode == 1
    assert "order.lost.v1.json belongs to no message" in checked.stderr


def test_generating_mends_all_of_it_and_changes_nothing_else(copy: Path) -> None:
    folder = copy / "contracts/events"
    (folder / "schemas/order.placed.v1.json").unlink()
    (folder / "schemas/order.lost.v1.json").write_text("{}")
    (folder / "asyncapi.yaml").write_text("")
    generate.write(folder)
    assert generate.drift(folder) == []
    assert _check(copy).returncode == 0


def test_an_unknown_option_is_refused() -> None:
    assert generate.main(["--chekc"]) == 2


@pytest.mark.parametrize("model", MESSAGES, ids=lambda model: model.type)
def test_every_schema_is_a_valid_one(model: Any) -> None:
    Draft202012Validator.check_schema(generate.schema(model))


class TestAsyncApi:
    @pytest.fixture
    def document(self) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load((generate.HERE / "asyncapi.yaml").read_text())
        return loaded

    def test_it_has_a_channel_for_every_type_on_its_exchange(self, document: dict[str, Any]) -> None:
        assert document["asyncapi"] == "3.0.0"
        assert set(document["channels"]) == {model.type for model in MESSAGES}
        for model in MESSAGES:
            channel = document["channels"][model.type]
            assert channel["address"] == model.type
            assert channel["bindings"]["amqp"]["exchange"]["name"] == exchange_of(model)

    def test_holdfast_receives_orders_and_sends_the_rest(self, document: dict[str, Any]) -> None:
        actions = {key.partition(".")[2]: operation["action"] for key, operation in document["operations"].items()}
        assert actions == {m.type: "receive" if m.type.startswith("order.") else "send" for m in MESSAGES}

    def test_every_reference_in_it_leads_somewhere(self, document: dict[str, Any]) -> None:
        references = list(_references(document))
        assert len(references) > 4 * len(MESSAGES)
        for reference in references:
            if reference.startswith("#/"):
                found = document
                for part in reference.removeprefix("#/").split("/"):
                    found = found[part]
            else:
                assert (generate.HERE / reference).is_file(), reference

    def test_it_carries_no_login(self) -> None:
        text = (generate.HERE / "asyncapi.yaml").read_text().lower()
        assert "guest" not in text
        assert "password" not in text
        assert "@" not in text


def _references(value: Any) -> Iterator[str]:
    match value:
        case {"$ref": str(reference)}:
            yield reference
        case dict():
            for item in value.values():
                yield from _references(item)
        case list():
            for item in value:
                yield from _references(item)
