from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.events.orders import OrderCancelled, OrderPlaced
from contracts.events.payments import PaymentRequested
from libs.ledger.errors import Undecodable
from libs.messaging.envelope import Envelope, decode, from_json, wrap

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
CANCELLED = OrderCancelled(order_id="order-1", cancelled_by="buyer", reason="changed my mind")


def _envelope() -> Envelope:
    return wrap(
        CANCELLED, id="1-7", source="/shop", time=NOON, correlationid="c", causationid="1-6", book=1, position=7
    )


def _wire(**changes: Any) -> bytes:
    return json.dumps({**json.loads(_envelope().to_json()), **changes}).encode()


def _without(name: str) -> bytes:
    wire = json.loads(_envelope().to_json())
    del wire[name]
    return json.dumps(wire).encode()


def _placed(**changes: Any) -> dict[str, Any]:
    line = {"seller": "seller-1", "category": "books", "amount_minor": 1200}
    buyer = {"id": "buyer-1", "country": "DE"}
    order = {"order_id": "order-1", "buyer": buyer, "currency": "USD", "rail": "card", "lines": [line]}
    return order | {"placed_at": "2026-11-02T12:00:00Z"} | changes


def test_an_envelope_comes_back_as_it_went() -> None:
    assert from_json(_envelope().to_json()) == _envelope()


def test_an_envelope_is_a_structured_cloudevent() -> None:
    assert json.loads(_envelope().to_json()) == {
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "id": "1-7",
        "type": "order.cancelled.v1",
        "source": "/shop",
        "subject": "order-1",
        "time": "2026-11-02T12:00:00Z",
        "dataschema": "https://holdfast.example/schemas/order.cancelled.v1.json",
        "correlationid": "c",
        "causationid": "1-6",
        "book": 1,
        "position": 7,
        "data": {"order_id": "order-1", "cancelled_by": "buyer", "reason": "changed my mind"},
    }


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "subject", "time", "data"])
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(Undecodable, match=f"{name}: Field required") as caught:
        from_json(_without(name))
    assert caught.value.code == "undecodable"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"time": "2026-11-02T12:00:00"}, "time"),
        ({"time": 1793620800}, "time"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"id": "x" * 201}, "id"),
        ({"data": []}, "data"),
        ({"book": 0}, "book"),
        ({"datacontenttype": "text/xml"}, "datacontenttype"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(Undecodable, match=f"{path}: "):
        from_json(_wire(**changes))


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b"null", b'{"specversion": "1.0"', b"<xml/>"])
def test_other_bytes_are_undecodable(body: bytes) -> None:
    with pytest.raises(Undecodable, match=r"CloudEvents 1\.0"):
        from_json(body)


def test_attributes_that_we_do_not_know_are_ignored() -> None:
    assert from_json(_wire(shard=3)) == _envelope()


def test_a_nul_character_is_refused_because_the_ledger_cannot_store_it() -> None:
    with pytest.raises(Undecodable, match="NUL"):
        from_json(_wire(data={"reason": "\x00"}))


def test_whole_numbers_beyond_64_bits_keep_every_digit() -> None:
    """An amount in wei: 18 decimals to the token."""
    amount_minor = 12_345_678_901_234_567_890_123
    uuid = "6b2cc34b-2d9c-4d1c-9d0f-0a3f4f3f9a51"
    message = PaymentRequested.model_validate(
        {"payment_id": uuid, "order_id": "o", "currency": "DAI@1", "amount_minor": amount_minor, "requested_at": NOON}
    )
    came = decode(from_json(wrap(message, id="1-1", source="/x", time=NOON).to_json()))
    assert came == message


def test_data_becomes_its_message() -> None:
    assert decode(_envelope()) == CANCELLED


def test_a_type_that_nobody_knows_has_a_code_of_its_own() -> None:
    with pytest.raises(Undecodable, match=r"order\.exploded\.v1") as caught:
        decode(from_json(_wire(type="order.exploded.v1")))
    assert caught.value.code == "unknown_message_type"


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"lines": []}, ["lines"]),
        ({"placed_at": "2026-11-02T12:00:00"}, ["placed_at"]),
        ({"placed_at": 1793620800}, ["placed_at"]),
        ({"currency": "euros", "rail": "cash"}, ["currency", "rail"]),
        ({"lines": [{"seller": "s", "category": "c", "amount_minor": 12.0}]}, ["lines.0.amount_minor"]),
        ({"lines": [{"seller": "s", "category": "c", "amount_minor": "12"}]}, ["lines.0.amount_minor"]),
        ({"lines": [{"seller": "s", "category": "c", "amount_minor": True}]}, ["lines.0.amount_minor"]),
        (
            {"lines": [{"seller": "s/2", "category": "c", "amount_minor": 0}]},
            ["lines.0.seller", "lines.0.amount_minor"],
        ),
        ({"order_id": "x" * 65}, ["order_id"]),
        ({"buyer": {"id": "b", "country": "Germany"}}, ["buyer.country"]),
    ],
)
def test_wrong_data_is_refused_with_the_fields_at_fault(changes: dict[str, Any], paths: list[str]) -> None:
    with pytest.raises(Undecodable) as caught:
        decode(from_json(_wire(type="order.placed.v1", data=_placed(**changes))))
    for path in paths:
        assert f"{path}: " in caught.value.text


def test_a_reason_never_repeats_the_values_of_a_message() -> None:
    with pytest.raises(Undecodable) as caught:
        decode(from_json(_wire(type="order.placed.v1", data=_placed(currency="jane@example.org"))))
    assert "jane" not in caught.value.text


def test_fields_that_we_do_not_know_are_ignored() -> None:
    message = decode(from_json(_wire(type="order.placed.v1", data=_placed(gift_wrap=True))))
    assert isinstance(message, OrderPlaced)
