"""What a handler takes from an envelope."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from libs.messaging.envelope import Envelope
from libs.messaging.received import key_of, meta_of

ENVELOPE = Envelope(
    id="m1",
    type="order.cancelled.v1",
    source="/shop",
    subject="A-1",
    time=datetime(2026, 3, 2, tzinfo=UTC),
    data={"order_id": "A-1", "reason": "late"},
)


def test_who_wanted_it_is_the_actor_and_otherwise_who_sent_it() -> None:
    assert meta_of(ENVELOPE).actor == "/shop"
    assert meta_of(ENVELOPE, actor="b1").actor == "b1"


def test_what_somebody_typed_is_no_part_of_it() -> None:
    assert meta_of(ENVELOPE).reason is None


def test_the_message_is_the_cause_and_the_subject_holds_together_what_no_correlation_id_does() -> None:
    assert (meta_of(ENVELOPE).causation_id, meta_of(ENVELOPE).correlation_id) == ("m1", "A-1")
    assert meta_of(replace(ENVELOPE, correlationid="c1")).correlation_id == "c1"


def test_each_queue_has_its_own_key() -> None:
    assert key_of("payment.orders", ENVELOPE).value == "payment.orders:/shop:m1"
    assert key_of("escrow.orders", ENVELOPE).value == "escrow.orders:/shop:m1"


def test_two_shops_may_count_from_one() -> None:
    assert key_of("q", replace(ENVELOPE, source="/other")) != key_of("q", ENVELOPE)


def test_the_same_content_is_the_same_request_however_it_is_laid_out_and_other_content_is_not() -> None:
    key = key_of("q", ENVELOPE)
    assert key_of("q", replace(ENVELOPE, data={"reason": "late", "order_id": "A-1"}, traceparent="t")) == key
    assert key_of("q", replace(ENVELOPE, data={"order_id": "A-1", "reason": "other"})).fingerprint != key.fingerprint
    assert key_of("q", replace(ENVELOPE, type="order.placed.v1")).fingerprint != key.fingerprint
