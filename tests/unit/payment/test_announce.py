"""What the others hear of a payment."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.events import payments
from services.payment.announce import announce
from services.payment.domain import EVENTS, PAYMENT
from services.payment.domain import chargeback_events as c
from services.payment.domain import events as e
from tests.unit.payment.contested import NAMED
from tests.unit.payment.given import (
    CANCEL_REQUESTED,
    CANCELED,
    CAPTURED,
    EXPIRED,
    FAILED,
    INTENT,
    MONEY,
    NAMES,
    NOON,
    PAYMENT_ID,
    REQUESTED,
    refund_id,
)

REFUND: dict[str, Any] = NAMES | MONEY | {"refund_id": refund_id()}
REJECTED = e.OrderRejected(**NAMES, **MONEY, code="amount_too_large", reason="Too much.")
REFUSED = e.IntentRefused(**NAMES, **MONEY, attempt=1, code="amount_too_small", reason="Too little.")
REFUNDED = e.RefundSucceeded(**REFUND, processor_id="re_1", refunded_minor=4_000, status="refunded")
BOUNCED = e.RefundFailed(**REFUND, code="lost_card", returned=True, refunded_minor=0, status="captured")
WITHHELD = e.RefundWithheld(**REFUND, code="charge_disputed")
CONTEST: dict[str, Any] = NAMED | MONEY | {"reason": "fraudulent", "respond_by": None, "under_review": False}
DECIDED: dict[str, Any] = {"returned_minor": 0, "fee_minor": 0, "fee_total_minor": 1_500}
INQUIRY = c.InquiryOpened(**CONTEST)
CHARGEBACK = c.ChargebackOpened(**CONTEST, fee_minor=1_500)
LOST = c.ChargebackLost(**NAMED, **MONEY, **DECIDED, refunds=(), to_cover_minor=3_000)
SILENT = (
    INTENT,
    CANCEL_REQUESTED,
    e.IntentOutcomeUnknown(**NAMES, **MONEY, attempt=1, reason="silence"),
    e.IntentAbandoned(**NAMES, **MONEY, attempt=1, reason="500"),
    e.PaymentPending(**NAMES, status="processing"),
    e.RefundRequested(**REFUND, intent_id="pi_1"),
    e.RefundOutcomeUnknown(**REFUND, intent_id="pi_1", reason="silence"),
    e.RefundPending(**REFUND, processor_id="re_1"),
    c.ContestChanged(**NAMED, respond_by=None, under_review=True),
    c.ChargebackAccepted(**NAMED, version=1),
    c.EvidenceRequested(**NAMED, version=1, texts=(), submit=True),
    c.EvidenceOutcomeUnknown(**NAMED, version=1, doubted_version=1, reason="silence"),
    c.EvidenceSubmitted(**NAMED, version=1, submit=True, submissions=1),
    c.EvidenceRefused(**NAMED, version=1, code="forgotten"),
)
TOLD = {
    REQUESTED: payments.PaymentRequested,
    REJECTED: payments.PaymentRejected,
    REFUSED: payments.PaymentRejected,
    FAILED: payments.PaymentFailed,
    CAPTURED: payments.PaymentCaptured,
    CANCELED: payments.PaymentCanceled,
    EXPIRED: payments.PaymentExpired,
    REFUNDED: payments.PaymentRefunded,
    BOUNCED: payments.PaymentRefundFailed,
    WITHHELD: payments.PaymentRefundFailed,
    INQUIRY: payments.PaymentChargedBack,
    CHARGEBACK: payments.PaymentChargedBack,
    c.InquiryClosed(**NAMED, **MONEY): payments.PaymentChargebackClosed,
    c.ChargebackWon(**NAMED, **MONEY, **DECIDED): payments.PaymentChargebackClosed,
    LOST: payments.PaymentChargebackClosed,
    c.FraudWarned(**NAMES, warning_id="issfr_1", code="misc"): payments.PaymentFraudWarned,
}


@pytest.mark.parametrize(("event", "message"), TOLD.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_an_event_is_told_with_its_names_under_its_order(event: e.PaymentEvent, message: type) -> None:
    told = announce(event)
    assert type(told) is message
    assert told is not None
    assert told.model_dump()["payment_id"] == PAYMENT_ID
    assert told.subject == "A-1"


@pytest.mark.parametrize("event", SILENT, ids=lambda event: type(event).__name__)
def test_what_concerns_nobody_else_is_not_told(event: e.PaymentEvent) -> None:
    assert announce(event) is None


def test_every_kind_of_event_is_decided_upon_here() -> None:
    assert {type(event) for event in (*TOLD, *SILENT)} == set(PAYMENT.events)
    assert set(PAYMENT.events) < set(EVENTS)


def test_a_captured_payment_tells_all_that_the_escrow_needs() -> None:
    told = announce(CAPTURED)
    assert isinstance(told, payments.PaymentCaptured)
    assert told.model_dump(mode="json") == {
        "payment_id": str(PAYMENT_ID),
        "order_id": "A-1",
        "buyer": {"id": "b1", "country": "DE"},
        "currency": "EUR",
        "amount_minor": 4_000,
        "lines": [
            {"seller": "s1", "category": "books", "amount_minor": 2_000, "shipping_minor": 300, "destination": None},
            {"seller": "s2", "category": "toys", "amount_minor": 1_700, "shipping_minor": 0, "destination": None},
        ],
        "charge": "ch_1",
        "captured_at": "2026-03-02T12:00:00Z",
    }


def test_a_decline_tells_the_processors_code_and_a_refusal_ours() -> None:
    assert announce(FAILED) == payments.PaymentFailed(
        payment_id=PAYMENT_ID, order_id="A-1", code="card_declined", failed_at=NOON
    )
    assert announce(REJECTED) == payments.PaymentRejected(
        payment_id=PAYMENT_ID, order_id="A-1", code="amount_too_large", reason="Too much.", rejected_at=NOON
    )


def test_a_refund_that_came_back_says_so_and_one_that_was_never_made_does_not() -> None:
    told = [announce(event) for event in (BOUNCED, WITHHELD)]
    assert [(each.code, each.returned) for each in told if isinstance(each, payments.PaymentRefundFailed)] == [
        ("lost_card", True),
        ("charge_disputed", False),
    ]


def test_an_inquiry_and_a_chargeback_are_told_apart_under_one_id() -> None:
    told = [announce(event) for event in (INQUIRY, CHARGEBACK)]
    assert [each.stage for each in told if isinstance(each, payments.PaymentChargedBack)] == ["inquiry", "chargeback"]
    assert len({each.chargeback_id for each in told if isinstance(each, payments.PaymentChargedBack)}) == 1


def test_a_loss_says_what_others_have_to_cover() -> None:
    told = announce(LOST)
    assert isinstance(told, payments.PaymentChargebackClosed)
    assert (told.outcome, told.amount_minor, told.to_cover_minor) == ("lost", 4_000, 3_000)
