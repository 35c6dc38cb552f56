from __future__ import annotations

import json
from typing import Any

import pytest

from libs.ledger.errors import Rejected
from libs.runtime.notices import NoticeReader, key_of


class _Forged(Exception):
    pass


def _verify(body: bytes, signature: str | None) -> None:
    if signature != f"signed {body.decode()}":
        raise _Forged


READER = NoticeReader(frozenset({"payout.paid"}), _verify, _Forged, "HOLDFAST_SECRET")


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
