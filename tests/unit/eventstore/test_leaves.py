"""No field can be left out of a hash, and none can lend bytes to its neighbour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from libs.eventstore.leaves import GENESIS, block_hash, leaf_of_recorded
from libs.eventstore.model import Recorded

EVENT = Recorded(
    book=1, position=7, stream="payment-1", version=2, type="PaymentCaptured", schema_version=1,
    recorded_at=datetime(2026, 11, 2, tzinfo=UTC), effective_at=datetime(2026, 11, 1, tzinfo=UTC),
    correlation_id="order-1", causation_id="1-6", actor="stripe", reason=None,
    accounts=("a", "b"), currencies=("USD", "USD"), amounts=(5, -5), data='{"x": 1}', leaf=b"",
)  # fmt: skip
_CHANGED = {
    "book": 2, "stream": "payment-2", "version": 3, "type": "PaymentFailed", "schema_version": 2,
    "effective_at": EVENT.effective_at + timedelta(microseconds=1), "correlation_id": None, "causation_id": "",
    "actor": "strip", "reason": "", "accounts": ("a", "c"), "currencies": ("USD", "EUR"), "amounts": (6, -6),
    "data": '{"x":1}',
}  # fmt: skip
_OF_THE_BLOCK = {"position", "recorded_at", "leaf"}


def test_every_field_is_covered_by_leaf_or_block() -> None:
    assert set(Recorded._fields) == _CHANGED.keys() | _OF_THE_BLOCK


@pytest.mark.parametrize("name", _CHANGED)
def test_a_change_of_any_field_changes_the_leaf(name: str) -> None:
    assert leaf_of_recorded(EVENT._replace(**{name: _CHANGED[name]})) != leaf_of_recorded(EVENT)  # type: ignore[arg-type]  # by name


def test_bytes_cannot_be_shifted_from_one_field_to_the_next() -> None:
    shifted = EVENT._replace(actor="strip", reason="e")
    assert leaf_of_recorded(shifted) != leaf_of_recorded(EVENT._replace(actor="stripe", reason=""))


@pytest.mark.parametrize(
    "change",
    [
        {"book": 2},
        {"block": 2},
        {"first_position": 2},
        {"sealed_at": datetime(2026, 11, 3, tzinfo=UTC)},
        {"leaves": [b"2" * 32, b"1" * 32]},
        {"leaves": [b"1" * 32]},
    ],
)
def test_a_block_covers_place_time_order_and_number_of_its_leaves(change: dict[str, object]) -> None:
    block: dict[str, object] = {
        "book": 1, "block": 1, "first_position": 1, "sealed_at": EVENT.recorded_at, "leaves": [b"1" * 32, b"2" * 32],
    }  # fmt: skip
    assert block_hash(GENESIS, **(block | change)) != block_hash(GENESIS, **block)  # type: ignore[arg-type]  # by name
    assert block_hash(b"\1" * 32, **block) != block_hash(GENESIS, **block)  # type: ignore[arg-type]  # by name


def test_a_leaf_hashes_number_lengths_and_bytes_of_the_fields() -> None:
    """Written out by hand, as an outsider would: lengths are of bytes (`é` is two), and nothing is not empty."""
    wide = EVENT._replace(actor="é", correlation_id=None, causation_id="", accounts=("a",), amounts=(5,))
    given = ["1", "payment-1", "2", "PaymentCaptured", "1", "1793491200000000", None, "", "é", None, "1"]
    fields = [*given, "a", "USD", "5", '{"x": 1}']
    encoded = [None if field is None else field.encode() for field in fields]
    lengths = [len(encoded), *(-1 if field is None else len(field) for field in encoded)]
    preimage = b"".join(length.to_bytes(4, "big", signed=True) for length in lengths)
    assert leaf_of_recorded(wide) == sha256(preimage + b"".join(field or b"" for field in encoded)).digest()
