"""Events as version 1 stored them are read for ever."""

from __future__ import annotations

from datetime import UTC, datetime
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
