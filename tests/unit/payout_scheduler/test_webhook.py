from __future__ import annotations

from services.payout_scheduler.domain.webhook import WEBHOOK, Handle, Notice, Receive, WebhookHandled, WebhookReceived
from tests.unit.payout_scheduler.given import NOON, hour, then

NOTICE = Notice(notice_id="evt_1", type="payout.paid", account_id="acct_1", object_id="po_1", at=NOON)


def test_a_notice_is_kept_once_with_the_time_at_which_it_happened() -> None:
    assert then(WEBHOOK, [], Receive(NOTICE)) == [WebhookReceived(at=NOON, notice=NOTICE)]
    assert then(WEBHOOK, [Receive(NOTICE)], Receive(NOTICE)) == []


def test_a_notice_is_handled_once_and_never_kept_again() -> None:
    handle = Handle("evt_1", hour(1))
    assert then(WEBHOOK, [Receive(NOTICE)], handle) == [WebhookHandled(at=hour(1), notice_id="evt_1")]
    assert then(WEBHOOK, [Receive(NOTICE), handle], handle) == []
    assert then(WEBHOOK, [Receive(NOTICE), handle], Receive(NOTICE)) == []
    assert then(WEBHOOK, [], handle) == []
