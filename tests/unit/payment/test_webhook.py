"""A notice is kept once, and handled once."""

from __future__ import annotations

from services.payment.domain import WEBHOOK
from services.payment.domain.webhook import Handle, Notice, Receive, WebhookHandled, WebhookReceived
from tests.unit.payment.given import LATER, NOON, PAYMENT_ID

NOTICE = Notice(notice_id="evt_1", type="payment_intent.succeeded", at=NOON, object_id="pi_1", payment_id=PAYMENT_ID)
RECEIVED = WebhookReceived(
    at=NOON,
    notice_id="evt_1",
    notice_type="payment_intent.succeeded",
    object_id="pi_1",
    payment_id=PAYMENT_ID,
    refund_id=None,
)
HANDLED = WebhookHandled(at=LATER, notice_id="evt_1")


def test_a_notice_is_kept_with_the_time_at_which_it_happened() -> None:
    assert WEBHOOK.decide(Receive(NOTICE), WEBHOOK.initial) == [RECEIVED]


def test_a_notice_that_comes_again_is_nothing_before_and_after_it_was_handled() -> None:
    assert WEBHOOK.decide(Receive(NOTICE), WEBHOOK.fold([RECEIVED])) == ()
    assert WEBHOOK.decide(Receive(NOTICE), WEBHOOK.fold([RECEIVED, HANDLED])) == ()


def test_a_notice_is_handled_once() -> None:
    assert WEBHOOK.decide(Handle("evt_1", LATER), WEBHOOK.fold([RECEIVED])) == [HANDLED]
    assert WEBHOOK.decide(Handle("evt_1", LATER), WEBHOOK.fold([RECEIVED, HANDLED])) == ()


def test_a_notice_that_was_never_kept_cannot_be_handled() -> None:
    assert WEBHOOK.decide(Handle("evt_1", LATER), WEBHOOK.initial) == ()
