from __future__ import annotations

import json
from typing import Any

import pytest

from libs.ledger.errors import Rejected
from libs.runtime.notices import THIN, TYPES_MAX, NoticeReader, by_twenty, key_of, secrets_in


class _Forged(Exception):
    pass


def _verify(body: bytes, signature: str | None, secret: str) -> None:
    if signature != f"{secret} {body.decode()}":
        raise _Forged


READER = NoticeReader(frozenset({"payout.paid"}), _verify, _Forged, "HOLDFAST_SECRET", secrets_in("signed, next ,"))


def _event(**changes: Any) -> str:
    event = {"id": "evt_1", "type": "payout.paid", "created": 1, "data": {"object": {"id": "po_1"}}}
    return json.dumps(event | changes)


def test_a_notice_says_what_happened_to_which_object() -> None:
    body = _event(account="acct_1", livemode=False)
    notice = READER.read(body.encode(), f"signed {body}")
    assert notice is not None
    assert (notice.id, notice.data.object.id, notice.account, notice.created) == ("evt_1", "po_1", "acct_1", 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"object": {"object": "balance"}}},
        {"data": {}, "created": "2026-11-02T00:00:00Z"},
        {"data": {"object": {"id": "x", "metadata": ["odd"]}}},
    ],
    ids=["a balance", "a thin event", "metadata of another form"],
)
def test_another_type_is_none_whatever_its_form(changes: dict[str, Any]) -> None:
    body = _event(type="balance.available", **changes)
    assert READER.read(body.encode(), f"signed {body}") is None


@pytest.mark.parametrize("body", ["", "[]", "{", '{"hello": 1}', _event(data={"object": {}}), _event(created=None)])
def test_what_is_signed_and_no_event_is_refused(body: str) -> None:
    with pytest.raises(Rejected) as refused:
        READER.read(body.encode(), f"signed {body}")
    assert refused.value.code == "bad_notice"


@pytest.mark.parametrize("body", [_event().encode(), b"\xff"])
def test_a_body_that_nobody_signed_is_refused_and_the_secret_named(body: bytes) -> None:
    with pytest.raises(Rejected, match="HOLDFAST_SECRET") as refused:
        READER.read(body, "signed something else")
    assert refused.value.code == "bad_signature"


def test_a_notice_that_comes_again_has_the_same_key() -> None:
    assert key_of("evt_1", "payout.paid") == key_of("evt_1", "payout.paid")
    assert key_of("evt_1", "payout.paid").fingerprint != key_of("evt_1", "payout.failed").fingerprint


@pytest.mark.parametrize("secret", ["signed", "next"])
def test_while_secrets_rotate_either_may_have_signed(secret: str) -> None:
    assert READER.read(_event().encode(), f"{secret} {_event()}") is not None


@pytest.mark.parametrize("secret", ["signed,next", "", " ", "old"])
def test_a_secret_that_is_none_of_them_is_refused(secret: str) -> None:
    with pytest.raises(Rejected) as refused:
        READER.read(_event().encode(), f"{secret} {_event()}")
    assert refused.value.code == "bad_signature"


@pytest.mark.parametrize("changes", [{}, {"type": "v1.payout.paid"}, {"data": None, "created": "2026-11-02T00:00:00Z"}])
def test_a_thin_event_is_refused_with_what_to_do(changes: dict[str, Any]) -> None:
    body = _event(object=THIN, **changes)
    with pytest.raises(Rejected, match="snapshot payloads") as refused:
        READER.read(body.encode(), f"signed {body}")
    assert refused.value.code == "thin_notice"


def test_stripe_is_asked_for_so_many_types_at_a_time_and_for_all_of_them() -> None:
    types = {f"t{number:02}" for number in range(45)}
    portions = by_twenty(types)
    assert [len(portion) for portion in portions] == [TYPES_MAX, TYPES_MAX, 5]
    assert {each for portion in portions for each in portion} == types
