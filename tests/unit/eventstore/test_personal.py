"""A personal text opens in its own place, with the keys of all its subjects, and in no other way."""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.eventstore.codec import Codec
from libs.eventstore.sealing import Place, opened, sealed, unwrapped, wrapped
from libs.ledger.decider import Event
from libs.ledger.personal import FreeText, holds_text, texts, with_texts

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
PLACE = Place(1, "escrow-1", 3, "DisputeOpened", "reason")
KEYS = [b"a" * 32, b"b" * 32]
TEXT = FreeText("I live at 5 Elm Street", ("buyer-1", "order:A-1"))
SEALED = sealed(TEXT, PLACE, KEYS, secrets.token_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    by: str
    why: FreeText


@dataclass(frozen=True, slots=True, kw_only=True)
class Complained(Event):
    claims: tuple[Claim, ...] = ()
    note: FreeText | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(Event):
    total: int
    names: tuple[str, ...] = ()


@given(st.text())
def test_any_text_comes_back_as_it_was(text: str) -> None:
    plain = replace(TEXT, text=text)
    assert opened(sealed(plain, PLACE, KEYS, secrets.token_bytes), PLACE, KEYS) == plain


def test_the_same_text_is_never_sealed_twice_alike() -> None:
    assert sealed(TEXT, PLACE, KEYS, secrets.token_bytes).text != SEALED.text


@pytest.mark.parametrize(
    "elsewhere",
    [
        PLACE._replace(book=2),
        PLACE._replace(stream="escrow-2"),
        PLACE._replace(version=4),
        PLACE._replace(type="EscrowRefunded"),
        PLACE._replace(path="proof"),
    ],
)
def test_a_ciphertext_taken_to_another_place_does_not_open(elsewhere: Place) -> None:
    assert opened(SEALED, elsewhere, KEYS).shown == "[unreadable]"


def test_it_opens_with_the_keys_of_all_its_subjects_and_not_with_some_or_others() -> None:
    for keys in (KEYS[:1], KEYS[::-1], [KEYS[0], b"c" * 32]):
        assert opened(SEALED, PLACE, keys).shown == "[unreadable]"


def test_it_does_not_open_for_other_subjects() -> None:
    assert opened(replace(SEALED, subjects=("buyer-2", "order:A-1")), PLACE, KEYS).shown == "[unreadable]"


@pytest.mark.parametrize("forged", ["", "1.", "1.AAAA", "not base64", "1.é"])
def test_what_is_no_ciphertext_is_unreadable(forged: str) -> None:
    assert opened(replace(SEALED, text=forged), PLACE, KEYS).shown == "[unreadable]"


def test_a_changed_ciphertext_does_not_open() -> None:
    box = bytearray(b64decode(SEALED.text.removeprefix("1.")))
    box[20] ^= 1
    assert opened(replace(SEALED, text=f"1.{b64encode(box).decode()}"), PLACE, KEYS).shown == "[unreadable]"


def test_a_key_is_wrapped_for_its_subject_and_book() -> None:
    old, new, key = b"o" * 32, b"n" * 32, b"k" * 32
    box = wrapped(key, old, 1, "buyer-1", secrets.token_bytes)
    assert key not in box
    assert unwrapped(box, [new, old], 1, "buyer-1") == key
    assert unwrapped(box, [new], 1, "buyer-1") is None
    assert unwrapped(box, [old], 1, "buyer-2") is None
    assert unwrapped(box, [old], 2, "buyer-1") is None


def test_texts_are_found_however_deep_they_lie() -> None:
    event = Complained(at=NOON, claims=(Claim(by="b", why=TEXT), Claim(by="c", why=TEXT)), note=TEXT)
    assert [path for path, _ in texts(event)] == ["claims.0.why", "claims.1.why", "note"]
    assert {text.state for _, text in texts(with_texts(event, lambda *_: SEALED))} == {"sealed"}
    assert texts(Complained(at=NOON)) == []


def test_a_type_without_texts_is_known_as_such() -> None:
    assert (holds_text(Complained), holds_text(Counted)) == (True, False)
    counted = Counted(at=NOON, total=1, names=("a",))
    assert with_texts(counted, lambda *_: SEALED) is counted


def test_a_text_in_plain_is_never_encoded() -> None:
    codec = Codec((Complained,))
    with pytest.raises(TypeError, match="vault"):
        codec.encode(Complained(at=NOON, note=TEXT))
    stored = codec.encode(Complained(at=NOON, note=SEALED))
    assert "Elm" not in stored.data
    assert '"subjects":["buyer-1","order:A-1"]' in stored.data


def test_what_a_log_or_a_traceback_shows_of_an_event_leaves_the_text_out() -> None:
    assert "Elm" not in f"{Complained(at=NOON, note=TEXT)!r} {TEXT}"
