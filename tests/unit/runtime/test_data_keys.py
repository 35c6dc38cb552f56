"""The master keys of personal texts, as the environment gives them."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import pytest

from libs.runtime.config import Misconfigured, load_config
from libs.runtime.data_keys import data_keys, new_data_key


def test_keys_come_from_the_variable_the_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    new, old = new_data_key(), new_data_key()
    monkeypatch.setenv("HOLDFAST_DATA_KEY", f"{new}, {old}")
    assert data_keys(load_config()) == (b64decode(new), b64decode(old))


def test_keys_come_from_a_file_one_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    new, old = new_data_key(), new_data_key()
    file = tmp_path / "data-key"
    file.write_text(f"{new}\n{old}\n")
    monkeypatch.setenv("HOLDFAST_DATA_KEY_FILE", str(file))
    assert data_keys(load_config()) == (b64decode(new), b64decode(old))


def test_a_missing_key_is_told_with_the_variable_and_the_command_that_makes_one() -> None:
    with pytest.raises(Misconfigured, match=r"Set HOLDFAST_DATA_KEY.*`holdfast data-key new`"):
        data_keys(load_config())


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOLDFAST_DATA_KEY_FILE", str(tmp_path / "none"))
    with pytest.raises(Misconfigured, match=r"HOLDFAST_DATA_KEY_FILE names .*none, which cannot be read"):
        data_keys(load_config())


@pytest.mark.parametrize("wrong", ["", "c2hvcnQ=", "not base64 at all", "é"])
def test_what_is_no_key_is_refused_and_never_repeated(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("HOLDFAST_DATA_KEY", wrong)
    with pytest.raises(Misconfigured) as refused:
        data_keys(load_config())
    assert not wrong or wrong not in str(refused.value)
