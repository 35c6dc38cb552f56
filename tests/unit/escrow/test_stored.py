"""Events as they were stored once are read for ever."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded
from libs.ledger.personal import FreeText, texts
from services.escrow.domain import ESCROW, UPCASTS

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
NAMES = '"escrow_id":"6f1e0000-0000-0000-0000-000000000000","order_id":"A-1"'
HELD = f'{NAMES},"payment_id":"{UUID(int=7)}","currency":"USD","status":"DISPUTED"'
STORED: list[tuple[str, str, FreeText | None]] = [
    (
        "FactNoted",
        (
            f'{{{NAMES},"fact":{{"at":"2026-11-02T12:00:00Z","confirmation":"COURIER_CONFIRMED","confirmed_by":"dhl",'
            '"seller":null,"proof":"parcel 7"}}'
        ),
        FreeText("parcel 7", ("dhl", "order:A-1")),
    ),
    (
        "FactRefused",
        (
            f'{{{NAMES},"fact":{{"at":"2026-11-02T12:00:00Z","opened_by":"b-1","reason":"broken","seller":"carl"}},'
            '"code":"unknown_seller","reason":"Carl has no part in it."}'
        ),
        FreeText("broken", ("b-1", "order:A-1")),
    ),
    (
        "DeliveryConfirmed",
        (
            f'{{{HELD},"sellers":["anna"],"confirmation":"AUTO_CONFIRMED","confirmed_by":"deliver_by","proof":null,'
            '"release_at":"2026-11-09T12:00:00Z"}'
        ),
        None,
    ),
    (
        "DisputeOpened",
        f'{{{HELD},"sellers":["anna"],"opened_by":"b-1","reason":"broken"}}',
        FreeText("broken", ("b-1", "order:A-1")),
    ),
    (
        "EscrowRefunded",
        (
            f'{{{HELD},"refund_id":"{UUID(int=9)}","sellers":["anna"],"amount_minor":5,"cancelled_by":"shop",'
            '"reason":"out of stock"}'
        ),
        FreeText("out of stock", ("shop", "order:A-1")),
    ),
]


@pytest.mark.parametrize(("name", "data", "text"), STORED, ids=[name for name, *_ in STORED])
def test_a_text_that_was_stored_in_plain_is_read_with_its_subjects(name: str, data: str, text: FreeText | None) -> None:
    codec: Codec[Any] = Codec(ESCROW.events, UPCASTS)
    event = codec.decode(
        Recorded(1, 1, "escrow-x", 1, name, 1, NOON, NOON, None, None, "x", None, (), (), (), data, b"")
    )
    assert [found for _, found in texts(event)] == ([text] if text else [])


OPENED = (
    f'{{{HELD},"amount_minor":160,"charge":"ch_1","allocations":[{{"allocation_id":"{UUID(int=3)}","seller":"anna",'
    f'"gross_minor":100,"commission_minor":20}},{{"allocation_id":"{UUID(int=4)}","seller":"bert","gross_minor":60,'
    '"commission_minor":0}],"commission":{"basis_points":2000,"min_minor":0,"max_minor":50},"inspection_days":7,'
    '"deliver_by":"2026-12-02T12:00:00Z","hold_until_max":"2027-01-31T12:00:00Z"}'
)
RELEASED = (
    f'{{{HELD},"release_id":"{UUID(int=5)}","allocation_id":"{UUID(int=3)}","seller":"anna","gross_minor":100,'
    '"commission_minor":20,"release_type":"auto_release","charge":"ch_1"}'
)
CANCELLED = (
    f'{{{HELD},"refund_id":"{UUID(int=9)}","sellers":["bert"],"amount_minor":60,"cancelled_by":"shop",'
    '"reason":{"text":"","subjects":["shop","order:A-1"],"state":"forgotten"}}'
)


def test_what_was_stored_before_there_were_parts_was_released_and_refunded_whole() -> None:
    stored = [("FundsHeld", 1, OPENED), ("AllocationReleased", 1, RELEASED), ("EscrowRefunded", 2, CANCELLED)]
    state = ESCROW.fold(_decoded(name, version, data) for name, version, data in stored)
    anna, bert = state.shares["anna"].money, state.shares["bert"].money
    assert (anna.kept_minor, anna.taken_minor, anna.held_minor) == (100, 20, 0)
    assert (bert.refunded_minor, bert.held_minor) == (60, 0)
    assert (state.status, state.refunds) == ("RELEASED", 1)


GOLDEN: list[dict[str, Any]] = [
    json.loads(line) for line in Path(__file__).with_name("stored.jsonl").read_text().splitlines()
]
"""Each event as this version stores it. Lines are added and never changed."""


@pytest.mark.parametrize("golden", GOLDEN, ids=[golden["name"] for golden in GOLDEN])
def test_what_is_stored_today_is_stored_and_read_the_same_tomorrow(golden: dict[str, Any]) -> None:
    codec: Codec[Any] = Codec(ESCROW.events, UPCASTS)
    at = datetime.fromisoformat(golden["effective_at"])
    event = _decoded(golden["name"].partition(":")[0], golden["schema_version"], golden["data"], at)
    again = codec.encode(event)
    assert json.loads(again.data) == json.loads(golden["data"])
    assert again.effective_at == at


def test_there_is_a_golden_event_of_every_type() -> None:
    assert {golden["name"].partition(":")[0] for golden in GOLDEN} == {event.__name__ for event in ESCROW.events}


def _decoded(name: str, version: int, data: str, at: datetime = NOON) -> Any:
    codec: Codec[Any] = Codec(ESCROW.events, UPCASTS)
    return codec.decode(
        Recorded(1, 1, "escrow-x", 1, name, version, at, at, None, None, "x", None, (), (), (), data, b"")
    )
