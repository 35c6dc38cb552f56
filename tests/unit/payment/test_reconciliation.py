"""Fees and adjustments, and which events are about which line of the platform's balance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from libs.eventstore.codec import Codec
from libs.eventstore.model import Recorded
from libs.ledger.decider import Event
from libs.ledger.errors import Rejected
from libs.ledger.journal import check
from libs.ledger.personal import FreeText
from services.payment.domain import ADJUSTMENT, EVENTS, FEE
from services.payment.domain import chargeback_events as c
from services.payment.domain import events as e
from services.payment.domain.adjustment import Adjust, adjustment_id
from services.payment.domain.fees import ChargeFee, fee_id
from services.payment.domain.reconciliation import BOOKING, effect
from tests.unit.payment.given import CAPTURED, MONEY, NAMES, NOON, REQUESTED, refund_id

REFUND: dict[str, Any] = {**NAMES, **MONEY, "refund_id": refund_id()}
PENDING = e.RefundPending(**REFUND, processor_id="re_1")
DONE = e.RefundSucceeded(**REFUND, processor_id="re_1", refunded_minor=4_000, status="refunded")
BACK = e.RefundFailed(**REFUND, processor_id="re_1", code="x", returned=True, refunded_minor=0, status="captured")
DISPUTE: dict[str, Any] = {
    **NAMES,
    "chargeback_id": c.chargeback_id_of(NAMES["payment_id"], "du_1"),
    "dispute_id": "du_1",
}
OPENED = c.ChargebackOpened(
    **DISPUTE, **MONEY, reason="fraudulent", respond_by=None, under_review=False, fee_minor=1_500
)
FEE_CHARGED = ChargeFee(
    balance_transaction="txn_1", charge="ch_1", order_id="A-1", currency="EUR", amount_minor=146, at=NOON
)
ADJUST = Adjust(
    account="expense:processor_fees",
    counter_account="stripe:platform",
    currency="EUR",
    amount_minor=900,
    reason=FreeText("monthly invoice", ("ada",)),
    reference="po_1",
    at=NOON,
)


@pytest.mark.parametrize(
    ("event", "source", "pending_minor"),
    [
        (CAPTURED, "ch_1", 0),
        (PENDING, "re_1", -4_000),
        (DONE, "re_1", 0),
        (BACK, "re_1", 0),
        (OPENED, "du_1", 0),
        (FEE.decide(FEE_CHARGED, None)[0], "txn_1", 0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_event_is_about_an_object_at_the_processor(event: Event, source: str, pending_minor: int) -> None:
    found = effect(event)
    assert found is not None
    assert isinstance(event, BOOKING)
    assert (dict(found.sources), found.pending_minor, found.about) == (
        {"stripe:platform": source},
        pending_minor,
        "A-1",
    )


def test_what_never_reached_the_processor_is_about_no_object() -> None:
    assert effect(replace(BACK, processor_id=None, returned=False)) is None


def test_whatever_posts_on_the_platforms_balance_is_about_an_object_there() -> None:
    silent = [REQUESTED, PENDING]
    assert not any(event.postings() for event in silent)
    posting = {kind for kind in EVENTS if kind.postings is not Event.postings}
    assert posting <= {*BOOKING, *ADJUSTMENT.events}


def test_a_fee_is_charged_once() -> None:
    [charged] = FEE.decide(FEE_CHARGED, None)
    check(charged.postings())
    assert charged.postings() == (
        ("expense:processor_fees", "EUR", 146),
        ("stripe:platform", "EUR", -146),
    )
    assert not FEE.decide(FEE_CHARGED, FEE.fold([charged]))
    assert not FEE.decide(replace(FEE_CHARGED, amount_minor=0), None)
    assert fee_id(1, "txn_1") == fee_id(1, "txn_1") != fee_id(2, "txn_1")


def test_a_fee_that_is_given_back_is_booked_the_other_way() -> None:
    [charged] = FEE.decide(replace(FEE_CHARGED, amount_minor=-146), None)
    check(charged.postings())
    assert charged.postings()[1].amount_minor == 146


def test_an_adjustment_debits_one_account_and_credits_the_other() -> None:
    [made] = ADJUSTMENT.decide(ADJUST, None)
    check(made.postings())
    assert made.postings() == (
        ("expense:processor_fees", "EUR", 900),
        ("stripe:platform", "EUR", -900),
    )
    assert adjustment_id(1, "http:k") != adjustment_id(1, "http:l")
    with pytest.raises(Rejected) as again:
        ADJUSTMENT.decide(ADJUST, ADJUSTMENT.fold([made]))
    assert again.value.code == "adjustment_made"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"account": "seller:ann:available"}, "adjustment_account"),
        ({"counter_account": "refunds:payable"}, "adjustment_account"),
        ({"counter_account": "receivable:chargebacks"}, "adjustment_account"),
        ({"counter_account": "expense:processor_fees"}, "adjustment_account"),
        ({"account": "stripe:elsewhere"}, "unknown_account"),
        ({"currency": "XXX"}, "unknown_currency"),
        ({"amount_minor": 0}, "bad_amount"),
        ({"amount_minor": -5}, "bad_amount"),
    ],
)
def test_an_adjustment_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejected) as refused:
        ADJUSTMENT.decide(replace(ADJUST, **changes), None)
    assert refused.value.code == code


STORED: list[tuple[str, str]] = [
    (
        "ProcessorFeeCharged",
        '{"balance_transaction":"txn_1","charge":"ch_1","order_id":"A-1","currency":"EUR","amount_minor":146}',
    ),
    (
        "AdjustmentMade",
        (
            '{"account":"expense:processor_fees","counter_account":"stripe:platform","currency":"EUR","amount_minor":900,'
            '"reason":{"text":"c2VhbGVk","subjects":["ada"],"state":"sealed"},"reference":"po_1"}'
        ),
    ),
    (
        "Reconciled",
        (
            '{"since":null,"balances_at":"2026-03-02T11:00:00Z","sums":[{"status":"missing","currency":"EUR","count":1,'
            '"at_processor_minor":-500,"in_ledger_minor":0}],"findings":[{"status":"missing","why":"not_in_ledger",'
            '"account":"stripe:platform","source":"po_1","line_types":["payout"],"currency":"EUR",'
            '"at_processor_minor":-500,"in_ledger_minor":0,"happened_at":"2026-03-01T12:00:00Z","about":null}],"cut":0,'
            '"balances":[{"status":"mismatched","account":"stripe:platform","currency":"EUR","at_processor_minor":-500,'
            '"in_ledger_minor":0,"unexplained_minor":0}],"balances_matched":0,"fees":[{"currency":"EUR","count":1,'
            '"amount_minor":146}],"unread":[{"account":"stripe:connected:anna","since":null}],"complete":true}'
        ),
    ),
]


@pytest.mark.parametrize(("name", "data"), STORED, ids=[name for name, _ in STORED])
def test_a_stored_event_is_read_and_would_be_stored_the_same(name: str, data: str) -> None:
    codec: Codec[Any] = Codec(EVENTS)
    recorded = Recorded(1, 1, "x-y", 1, name, 1, NOON, NOON, None, None, "x", None, (), (), (), data, b"")
    assert codec.encode(codec.decode(recorded)).data == data
