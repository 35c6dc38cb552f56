"""Which events are about which line of the platform's balance, or of a seller's."""

from __future__ import annotations

import pytest

from libs.ledger.decider import Event
from services.payout_scheduler.domain import payout as p
from services.payout_scheduler.domain import reversal as r
from services.payout_scheduler.domain import transfer as t
from services.payout_scheduler.domain.reconciliation import BOOKING, effect
from tests.unit.payout_scheduler.given import CALL, CLAIM, CLAWBACK, NOON, RELEASE

SETTLED = t.TransferSettled(at=NOON, release=RELEASE, stripe_transfer="tr_1")
REVERSED = r.TransferReversed(at=NOON, clawback=CLAWBACK, call=CALL, stripe_reversal="trr_1")
SUBMITTED = p.PayoutSubmitted(at=NOON, claim=CLAIM, stripe_payout="po_1")
PAID = p.PayoutPaid(at=NOON, claim=CLAIM, stripe_payout="po_1")
FAILED = p.PayoutFailed(at=NOON, claim=CLAIM, stripe_payout="po_1", code="x", reason="y", retry_at=None)
RETURNED = p.PayoutReturned(at=NOON, claim=CLAIM, stripe_payout="po_1", code="x", reason="y")
NEVER_THERE = p.PayoutFailed(at=NOON, claim=CLAIM, stripe_payout=None, code="x", reason="y", retry_at=None)


@pytest.mark.parametrize(
    ("event", "sources", "pending_minor"),
    [
        (SETTLED, {"stripe:platform": "tr_1", "stripe:connected:anna": "tr_1"}, 0),
        (REVERSED, {"stripe:platform": "trr_1", "stripe:connected:anna": "tr_1"}, 0),
        (SUBMITTED, {"stripe:connected:anna": "po_1"}, -8_000),
        (PAID, {"stripe:connected:anna": "po_1"}, 0),
        (FAILED, {"stripe:connected:anna": "po_1"}, 0),
        (RETURNED, {"stripe:connected:anna": "po_1"}, 0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_event_is_about_an_object_on_each_account_that_it_posts_to(
    event: Event, sources: dict[str, str], pending_minor: int
) -> None:
    found = effect(event)
    assert found is not None
    assert isinstance(event, BOOKING)
    assert (dict(found.sources), found.pending_minor) == (sources, pending_minor)
    assert {posting.account for posting in event.postings() if posting.account.startswith("stripe:")} <= set(sources)


def test_a_payout_that_stripe_never_had_is_about_no_object() -> None:
    assert effect(NEVER_THERE) is None
