"""Where signing keys come from, and which are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from libs.runtime.config import Config, Misconfigured
from libs.transparency.keys import SignerKey
from services.audit.transparency.signing_keys import signing_keys

OLD = SignerKey("example.com/book-1", bytes(32))
NEW = SignerKey("example.com/book-1", bytes(range(32)))
OTHER = SignerKey("example.com/book-2", bytes(32))


def configured(text: str | None = None, path: Path | None = None) -> Config:
    return Config.model_validate({"audit_signing_key": text, "audit_signing_key_file": path})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "signing.key"
    path.write_text(f"# in use\n{OLD.text}\n{NEW.text}\n")
    path.chmod(0o600)
    return path


def test_without_a_variable_there_is_no_key() -> None:
    assert signing_keys(Config()) == ()
    assert signing_keys(configured("")) == ()


def test_keys_come_from_the_environment_or_from_a_file(file: Path) -> None:
    assert signing_keys(configured(f"{OLD.text},{NEW.text}")) == (OLD, NEW)
    assert signing_keys(configured(path=file)) == (OLD, NEW)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644])
def test_a_file_that_others_may_touch_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(Misconfigured, match=rf"mode {mode:04o}.*chmod 600") as caught:
        signing_keys(configured(path=file))
    assert caught.value.code == "key_exposed"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="absent, cannot be read"):
        signing_keys(configured(path=tmp_path / "absent"))


def test_both_ways_at_once_are_refused(file: Path) -> None:
    with pytest.raises(Misconfigured, match="not both"):
        signing_keys(configured(OLD.text, file))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# nothing", "holds no key"),
        ("nonsense", "does not hold signing keys"),
        (OLD.verifier.text, "does not hold signing keys"),
        (f"{OLD.text},{OTHER.text}", "keys of several logs"),
        (OTHER.text, "whose name ends in /book-1"),
        (f"{OLD.text},{OLD.text}", "one key twice"),
        (OLD.text[:-1], "does not hold signing keys"),
    ],
)
def test_what_cannot_sign_this_books_heads_is_refused_and_not_shown(text: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says) as caught:
        signing_keys(configured(text))
    assert OLD.text.rpartition("+")[2][:10] not in f"{caught.value} {caught.value.fields}"


def test_a_key_shows_in_no_printout_of_the_configuration() -> None:
    config = configured(OLD.text)
    assert OLD.text not in f"{config!r} {config.model_dump_json()}"
