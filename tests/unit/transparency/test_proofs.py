"""Proof files as an outsider meets them: they hold, and nothing in them can be changed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libs.eventstore.leaves import leaf_of_recorded
from libs.eventstore.model import Recorded
from libs.transparency.check import check
from libs.transparency.entry import Entry
from libs.transparency.errors import Refused
from libs.transparency.keys import SignerKey
from libs.transparency.merkle import leaf_hash, verify_consistency, verify_inclusion
from libs.transparency.note import Note
from libs.transparency.proof import Consistency, Inclusion, parse
from tests.unit.transparency.logs import NEW_KEY, OLD_KEY, entry, log

KEYS = [OLD_KEY.verifier]
INCLUSION = log().inclusion(5, 11).format()
CONSISTENCY = log().consistency(6, 11).format()
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.code


def test_a_proof_of_inclusion_says_what_it_proves() -> None:
    [found] = check({"a": INCLUSION}, KEYS)
    assert found.sentence.startswith(
        "Proven: event 5 (PaymentCaptured in payment-6f1e, recorded 2026-11-02 12:00:00.000005+00:00) "
        "is in the log example.com/book-1 of 11 events with the root "
    )
    assert found.sentence.endswith(f"signed by example.com/book-1+{OLD_KEY.verifier.id.hex()}.")


def test_a_proof_of_consistency_says_what_it_proves() -> None:
    [found] = check({"a": CONSISTENCY}, KEYS)
    assert found.sentence.startswith("Proven: what 6 events were is unchanged at the beginning of the log")


def test_the_file_is_a_c2sp_tlog_proof() -> None:
    first, extra, index, *path, blank, origin, size, root, gap, signature = INCLUSION.split("\n")[:-1]
    assert (first, index, blank, origin, size, gap) == (
        "c2sp.org/tlog-proof@v1", "index 4", "", "example.com/book-1", "11", "",
    )  # fmt: skip
    event = json.loads(base64.b64decode(extra.removeprefix("extra ")))
    assert (event["position"], event["postings"][0]["amount_minor"]) == (5, str(10**30))
    assert signature.startswith("— example.com/book-1 ")
    hashes = [base64.b64decode(line) for line in path]
    assert verify_inclusion(entry_hash(5), 4, 11, hashes, base64.b64decode(root))


def entry_hash(position: int) -> bytes:
    from hashlib import sha256  # noqa: PLC0415 - by hand, as README.md tells outsiders to

    fields = entry(position)
    seconds = fields.recorded_at_microseconds.to_bytes(8, "big")
    return sha256(b"\x00" + fields.leaf() + seconds).digest()


@pytest.mark.parametrize("size", range(1, 12))
def test_every_event_is_proven_in_every_log_that_holds_it(size: int) -> None:
    for position in range(1, size + 1):
        text = log().inclusion(position, size).format()
        assert parse(text).format() == text
        check({"a": text}, KEYS)


@pytest.mark.parametrize("new", range(1, 12))
def test_every_log_is_proven_to_begin_every_later_one(new: int) -> None:
    for old in range(1, new + 1):
        text = log().consistency(old, new).format()
        assert parse(text).format() == text
        check({"a": text}, KEYS)


@given(st.data(), st.sampled_from([INCLUSION, CONSISTENCY]))
def test_a_file_with_any_byte_changed_is_refused(data: st.DataObject, text: str) -> None:
    whole = text.encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != whole[at]))
    bent = whole[:at] + bytes([byte]) + whole[at + 1 :]
    try:
        changed = bent.decode()
    except UnicodeDecodeError:
        return  # such a file is refused before it is looked at
    refused(lambda: check({"a": changed}, KEYS))


@given(st.data(), st.sampled_from([INCLUSION, CONSISTENCY]))
def test_a_file_with_anything_cut_or_put_in_is_refused(data: st.DataObject, text: str) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 90)))
    other = data.draw(st.text("abc012=\n —+/", max_size=4))
    changed = text[:start] + other + text[end:]
    if changed != text:
        refused(lambda: check({"a": changed}, KEYS))


@given(st.data())
def test_an_event_with_any_byte_changed_is_refused(data: st.DataObject) -> None:
    """Inside of the base64, where the change above seldom gives JSON again."""
    event = entry(5).to_json()
    at = data.draw(st.integers(0, len(event) - 1))
    letter = data.draw(st.characters(exclude_categories=["Cs"]))
    changed = event[:at] + letter + event[at + 1 :]
    if changed != event:
        assert refused(lambda: check({"a": _with_event(changed)}, KEYS)) in {
            "bad_form", "event_changed", "not_included", "wrong_index",
        }  # fmt: skip


def _with_event(text: str) -> str:
    lines = INCLUSION.split("\n")
    return "\n".join([lines[0], f"extra {base64.b64encode(text.encode()).decode()}", *lines[2:]])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"actor": "another"}, "event_changed"),
        ({"reason": None}, "event_changed"),
        ({"recorded_at_microseconds": 0}, "not_included"),
        ({"position": 6}, "wrong_index"),
        ({"book": "1"}, "bad_form"),
        ({"version": 5.0}, "bad_form"),
        ({"version": True}, "bad_form"),
        ({"actor": None}, "bad_form"),
        ({"data": 1}, "bad_form"),
        ({"actor": "\ud800"}, "bad_form"),
        ({"postings": [{"account": "a", "currency": "USD", "amount_minor": 1}]}, "event_changed"),
        ({"postings": [["a", "USD", "1"]]}, "bad_form"),
        ({"postings": None}, "bad_form"),
        ({"leaf": None}, "event_changed"),
        ({"more": 1}, "bad_form"),
        ({"position": 1 << 70}, "bad_form"),
    ],
)
def test_a_changed_field_is_refused_with_its_code(change: dict[str, object], code: str) -> None:
    plain = change != {"actor": "\ud800"}  # which only an escape can write
    event = json.dumps(json.loads(entry(5).to_json()) | change, separators=(",", ":"), ensure_ascii=not plain)
    assert refused(lambda: check({"a": _with_event(event)}, KEYS)) == code


@pytest.mark.parametrize("event", ["", "[]", "1", "{}", "[" * 100_000, '{"leaf":1}', "é"])
def test_what_is_not_an_event_is_refused(event: str) -> None:
    assert refused(lambda: check({"a": _with_event(event)}, KEYS)) == "bad_form"


def test_a_forged_event_with_a_mended_leaf_is_not_in_the_log() -> None:
    forged = log(changed=5).inclusion(5, 11)
    honest = log().inclusion(5, 11)
    assert refused(lambda: check({"a": replace(honest, entry=forged.entry).format()}, KEYS)) == "not_included"


def test_a_rewritten_history_is_not_consistent() -> None:
    rewritten = log(changed=5).consistency(6, 11)
    pasted = Consistency(rewritten.path, log().head(6), rewritten.newer)
    assert refused(lambda: check({"a": pasted.format()}, KEYS)) == "not_consistent"


def test_a_head_that_nobody_known_signed_vouches_for_nothing() -> None:
    unsigned = replace(log().inclusion(5, 11), head=Note(log().head(11).text))
    assert parse(unsigned.format()) == unsigned
    assert refused(lambda: check({"a": unsigned.format()}, KEYS)) == "unsigned"
    assert refused(lambda: check({"a": INCLUSION}, [NEW_KEY.verifier])) == "unsigned"
    assert refused(lambda: check({"a": INCLUSION}, [])) == "unsigned"


def test_a_signature_of_another_log_does_not_count() -> None:
    other = SignerKey("example.com/book-2", bytes(32))
    assert refused(lambda: check({"a": INCLUSION}, [other.verifier])) == "unsigned"


def test_while_a_key_replaces_another_both_vouch() -> None:
    text = log(keys=[OLD_KEY, NEW_KEY]).inclusion(5, 11).format()
    for known in ([OLD_KEY], [NEW_KEY], [OLD_KEY, NEW_KEY]):
        [found] = check({"a": text}, [key.verifier for key in known])
        assert list(found.signers) == [key.verifier for key in known]


def test_the_refusal_names_the_file_and_has_its_code() -> None:
    with pytest.raises(Refused, match=r"^second: ") as caught:
        check({"first": INCLUSION, "second": INCLUSION.replace("index 4", "index 5")}, KEYS)
    assert caught.value.code == "wrong_index"
    with pytest.raises(Refused, match=r"^the kept head: "):
        check({"first": INCLUSION}, KEYS, "nothing")


def test_a_proof_by_the_kept_head_itself_agrees_with_it() -> None:
    check({"a": INCLUSION}, KEYS, log().head(11).format())


def test_a_kept_head_of_another_size_needs_the_proof_between() -> None:
    kept = log().head(6).format()
    assert refused(lambda: check({"a": INCLUSION}, KEYS, kept)) == "unconnected"
    check({"a": INCLUSION, "b": CONSISTENCY}, KEYS, kept)
    check({"b": CONSISTENCY, "a": INCLUSION}, KEYS, kept)
    chain = {"a": log().inclusion(2, 3).format(), "b": log().consistency(3, 6).format(), "c": CONSISTENCY}
    check(chain, KEYS, log().head(11).format())
    assert refused(lambda: check(chain, KEYS, log().head(4).format())) == "unconnected"


@pytest.mark.parametrize("kept", [6, 11])
def test_a_kept_head_shows_a_rewritten_history(kept: int) -> None:
    forged = log(changed=5)
    files = {"a": forged.inclusion(5, 11).format(), "b": forged.consistency(6, 11).format()}
    check(files, KEYS)
    assert refused(lambda: check(files, KEYS, log().head(kept).format())) == "forked"


def test_two_histories_in_one_bundle_are_the_evidence_of_a_fork() -> None:
    files = {"a": INCLUSION, "b": log(changed=2).inclusion(5, 11).format()}
    assert refused(lambda: check(files, KEYS)) == "forked"


@given(
    position=st.integers(1, 1 << 40),
    texts=st.lists(TEXTS, min_size=8, max_size=8),
    absent=st.lists(st.booleans(), min_size=3, max_size=3),
    postings=st.lists(st.tuples(TEXTS, TEXTS, st.integers(-(10**37), 10**37)), max_size=4),
    microseconds=st.lists(st.integers(-(10**15), 10**16), min_size=2, max_size=2),
)
@example(position=1, texts=[""] * 8, absent=[True] * 3, postings=[], microseconds=[0, 0])
def test_the_checkers_leaf_is_the_writers(
    position: int,
    texts: list[str],
    absent: list[bool],
    postings: list[tuple[str, str, int]],
    microseconds: list[int],
) -> None:
    stream, name, data, actor, *rest = texts
    correlation, causation, reason = (None if no else text for no, text in zip(absent, rest, strict=False))
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    recorded_at, effective_at = (epoch + timedelta(microseconds=each) for each in microseconds)
    accounts, currencies, amounts = zip(*postings, strict=True) if postings else ((), (), ())
    event = Recorded(
        1, position, stream, 3, name, 2, recorded_at, effective_at, correlation, causation, actor, reason,
        accounts, currencies, amounts, data, b"",
    )  # fmt: skip
    proven = Entry(
        book=1, position=position, stream=stream, version=3, type=name, schema_version=2,
        recorded_at_microseconds=microseconds[0], effective_at_microseconds=microseconds[1],
        correlation_id=correlation, causation_id=causation, actor=actor, reason=reason,
        postings=tuple(postings), data=data,
    )  # fmt: skip
    assert proven.leaf() == leaf_of_recorded(event)
    assert Entry.from_json(proven.to_json()) == proven


def test_a_proof_is_read_as_what_it_says_it_is() -> None:
    assert isinstance(parse(INCLUSION), Inclusion)
    assert isinstance(parse(CONSISTENCY), Consistency)
    assert verify_consistency(6, 11, parse(CONSISTENCY).path, _root(6), _root(11))
    for text in ("", "\n", "c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v1\n", "x" * 3_000_000):
        assert refused(lambda: parse(text)) == "bad_form"  # noqa: B023 - called at once


def _root(size: int) -> bytes:
    return base64.b64decode(log().head(size).text.split("\n")[2])


def test_the_example_for_writers_of_other_checkers_is_right() -> None:
    page = (Path(__file__).parents[3] / "libs/transparency/README.md").read_text()
    event = Entry.from_json(page.partition("```json\n")[2].partition("\n")[0])
    assert f"the leaf hash `{leaf_hash(event.encoded()).hex()}`" in page
    assert len(event.postings) * 3 + 12 == 18
    assert "has 18 fields" in page
