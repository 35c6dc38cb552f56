"""Signed notes and keys against the published examples, and every way to get them wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.transparency.checkpoint import Checkpoint, opened
from libs.transparency.errors import Refused
from libs.transparency.keys import SignerKey, VerifierKey, signer_keys, verifier_keys
from libs.transparency.note import SIGNATURES_MAX, Note, Signature, signed, verified

# golang.org/x/mod/sumdb/note
PETER_SIGNER = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_SIGNED = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_SIGNED = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
# https://c2sp.org/signed-note
SPECIFIED = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPECIFIED_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)

OURS = SignerKey("example.com/book-1", bytes(range(32)))


def refused(code: str, call: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        call()
    assert caught.value.code == code
    return caught.value


def test_a_published_key_signs_a_published_text_to_the_letter() -> None:
    key = SignerKey.parse(PETER_SIGNER)
    assert (key.text, key.verifier.text) == (PETER_SIGNER, PETER)
    assert signed(TEXT, [key]).format() == f"{TEXT}\n{PETER_SIGNED}"


@pytest.mark.parametrize(("key", "note"), [(PETER, f"{TEXT}\n{PETER_SIGNED}"), (SPECIFIED, SPECIFIED_NOTE)])
def test_published_notes_are_verified(key: str, note: str) -> None:
    found = Note.parse(note)
    assert found.format() == note
    assert [each.text for each in verified(found, [VerifierKey.parse(key)])] == [key]


def test_who_knows_one_of_two_signers_is_content() -> None:
    both = Note.parse(f"{TEXT}\n{PETER_SIGNED}{ENOCH_SIGNED}")
    for known in ([PETER], [ENOCH], [PETER, ENOCH]):
        assert [key.text for key in verified(both, verifier_keys(",".join(known)))] == known


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    note = Note.parse(f"{TEXT}\n{PETER_SIGNED}")
    refused("unsigned", lambda: verified(note, [VerifierKey.parse(ENOCH)]))
    refused("unsigned", lambda: verified(note, []))
    refused("unsigned", lambda: verified(Note(TEXT), [VerifierKey.parse(PETER)]))


def test_one_bad_signature_of_a_known_key_spoils_the_note() -> None:
    both = Note.parse(f"{TEXT}\n{PETER_SIGNED}{ENOCH_SIGNED}")
    bent = replace(both, text=TEXT.replace("answer", "Answer"))
    refused("bad_signature", lambda: verified(bent, [VerifierKey.parse(PETER)]))
    other = replace(both, signatures=(both.signatures[0], replace(both.signatures[1], value=bytes(64))))
    refused("bad_signature", lambda: verified(other, verifier_keys(f"{PETER},{ENOCH}")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no signatures",
        "text\n— a b\n",
        f"{TEXT}\n{PETER_SIGNED[:-1]}",
        f"{TEXT}\n{PETER_SIGNED.replace('— ', '- ')}",
        f"{TEXT}\n{PETER_SIGNED.replace(' x08', ' !08')}",
        f"{TEXT}\n{PETER_SIGNED.replace('nAM=', 'nAN=')}",  # the same bytes in another spelling
        f"{TEXT}\n— PeterNeumann x08gow==\n",
        f"{TEXT}\n— Peter+Neumann x08go/ZJ\n",
        f"{TEXT}\n{PETER_SIGNED}more",
        f"{TEXT}\r\n{PETER_SIGNED}",
        f"{TEXT}\n{PETER_SIGNED * (SIGNATURES_MAX + 1)}",
    ],
)
def test_what_is_not_a_note_is_refused(text: str) -> None:
    refused("bad_form", lambda: Note.parse(text))


@given(st.integers(0, len(PETER) - 1), st.characters(exclude_categories=["Cs"]))
def test_a_key_with_any_letter_changed_is_refused(at: int, letter: str) -> None:
    for whole, parse in ((PETER, VerifierKey.parse), (PETER_SIGNER, SignerKey.parse)):
        bent = whole[:at] + letter + whole[at + 1 :]
        if bent != whole:
            refused("bad_key", lambda: parse(bent))  # noqa: B023 - called at once


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_keys_of_other_lengths_and_algorithms_are_refused(text: str) -> None:
    refused("bad_key", lambda: VerifierKey.parse(text))


def test_several_keys_are_read_from_lines_and_commas() -> None:
    text = f"# the old one\n{PETER_SIGNER}\n\n{OURS.text},\n"
    assert [key.name for key in signer_keys(text)] == ["PeterNeumann", "example.com/book-1"]
    assert [key.text for key in verifier_keys(f"{PETER}, {ENOCH}\n")] == [PETER, ENOCH]


def test_a_signing_key_shows_itself_in_no_printout_and_no_refusal() -> None:
    key = SignerKey.parse(PETER_SIGNER)
    assert "YEKFALVFGyNh" not in f"{key!r} {key}"
    assert repr(key.seed) not in repr(key)
    for bent in (PETER_SIGNER[:-1], PETER_SIGNER[1:], PETER_SIGNER.replace("c74f", "c74e")):
        assert "YEKFALVFGyNh" not in refused("bad_key", lambda: SignerKey.parse(bent)).text  # noqa: B023 - called at once


HEAD = Checkpoint("example.com/book-1", 20, bytes(range(32)))


def test_a_head_is_written_as_the_standard_has_it() -> None:
    assert HEAD.text == "example.com/book-1\n20\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    assert Checkpoint.parse(HEAD.text) == HEAD
    extended = replace(HEAD, extensions=("one", "two"))
    assert Checkpoint.parse(extended.text) == extended


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        HEAD.text[:-1],
        HEAD.text.replace("20", "020"),
        HEAD.text.replace("20", "-1"),
        HEAD.text.replace("20", "²"),
        HEAD.text.replace("20", "9" * 20),
        HEAD.text.replace("example.com/book-1", ""),
        HEAD.text + "\n",
        HEAD.text.replace("Hh8=", "Hh9="),
        HEAD.text.replace("AAEC", ""),
    ],
)
def test_what_is_not_a_head_is_refused(text: str) -> None:
    refused("bad_form", lambda: Checkpoint.parse(text))


def test_a_key_signs_heads_of_its_own_log_alone() -> None:
    note = signed(HEAD.text, [OURS])
    assert opened(note, [OURS.verifier]) == (HEAD, (OURS.verifier,))
    foreign = signed(replace(HEAD, origin="example.com/book-2").text, [OURS])
    refused("wrong_origin", lambda: opened(foreign, [OURS.verifier]))


def test_a_collision_of_key_ids_is_a_bad_signature_at_most() -> None:
    line = Signature(OURS.name, OURS.verifier.id, bytes(64))
    refused("bad_signature", lambda: opened(Note(HEAD.text, (line,)), [OURS.verifier]))
